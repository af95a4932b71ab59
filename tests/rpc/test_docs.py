"""The bot of the how-to does what the page says."""

import asyncio
import re
import sys
from pathlib import Path

from folkmoot.app import Node
from tests.people import Member, enrol_bot
from tests.rpc.words import Program


async def test_the_bot_of_the_page_answers(
    node: Node, ada: Member, admin: Member, program: Program, checkout: Path, tmp_path: Path
) -> None:
    page = (checkout / "docs" / "how-to" / "grpc.md").read_text()
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "bot.py").write_text(source)
    room = await ada.make_room()
    async with enrol_bot(admin, "Robin", "messages", "rooms") as bot:
        await bot.join(room)
        process = await asyncio.create_subprocess_exec(
            sys.executable, tmp_path / "bot.py", f"127.0.0.1:{node.grpc_port}", bot.token, str(room),
            cwd=checkout, env={"PYTHONPATH": str(checkout)}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(30):
                listening = await program.listen(room, 0)
                answered = False
                while not answered:  # until it listens, nobody answers
                    said = await program.say(room, "ping")
                    await listening.hears(said.seq)
                    answered = any(event.body == "pong" for event in listening.events)
                    await asyncio.sleep(0.1)
        finally:
            process.kill()
            await process.wait()
        assert {event.author.name for event in listening.events if event.body == "pong"} == {"Robin"}


def test_the_page_names_every_limit_as_it_is(checkout: Path) -> None:
    from folkmoot.rpc.budgets import OPEN_SHARE
    from folkmoot.rpc.events import PAGE_BYTES
    from folkmoot.rpc.server import CONNECTION_STREAMS, IDLE_S
    from folkmoot.settings import Settings

    fields = Settings.model_fields
    defaults = {name: fields[f"grpc_{name}"].default for name in ("calls_per_s", "calls_in_flight", "streams_per_user")}
    assert defaults == {"calls_per_s": 200, "calls_in_flight": 64, "streams_per_user": 100}
    assert (fields["grpc_items"].default, fields["grpc_call_s"].default) == (10_000, 30)
    assert (fields["grpc_message_bytes"].default, fields["grpc_queue_bytes"].default) == (64 << 10, 128 << 10)
    assert (OPEN_SHARE, PAGE_BYTES, CONNECTION_STREAMS, IDLE_S) == (2, 3 << 20, 1_000, 300)
