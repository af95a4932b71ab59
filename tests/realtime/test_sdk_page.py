"""The programs on the page about the socket run as they stand there, and hear each event once."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from folkmoot.app import Node
from tests.people import Member, enrol
from tests.realtime.python_client import using
from tests.realtime.test_sdk_javascript import FOLDER, sdk  # noqa: F401 - a fixture
from tests.realtime.test_sdk_python import cut_off_while
from tests.realtime.wire import cable_to, until

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "socket.md"


def program(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(found)


@asynccontextmanager
async def running(command: list[str], node: Node, member: Member) -> AsyncIterator[list[str]]:
    """The lines that a program writes, for a member, until the block is left."""
    lines: list[str] = []
    url = f"ws://127.0.0.1:{node.port}/connection/websocket"
    process = await asyncio.create_subprocess_exec(
        *command, cwd=FOLDER, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "URL": url, "TOKEN": member.token, "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            lines.append(line.decode().strip())  # noqa: PERF401 - others read it meanwhile

    reading = asyncio.create_task(read())
    try:
        yield lines
    finally:
        process.kill()
        await process.wait()
        await reading


@pytest.mark.parametrize("language", ["js", "python"])
async def test_the_program_of_the_page_hears_each_event_once(node: Node, sdk: list[str], language: str) -> None:  # noqa: F811
    command = (
        [*sdk[:-1], "--input-type=module", "-e", program("js")]
        if language == "js"
        else [sys.executable, "-c", program("python")]
    )
    async with enrol(node, "ada") as ada:
        room = await ada.make_room()
        async with running(command, node, ada) as lines:

            async def speak() -> None:
                while True:  # until it listens
                    await ada.say(room, "hello")
                    await asyncio.sleep(0.1)

            speaking = asyncio.create_task(speak())
            await until(lambda: len(lines) >= 3, within_s=20)
            speaking.cancel()
            await asyncio.wait([speaking])
        assert len(set(lines)) == len(lines), "each once"
        assert all(re.fullmatch(rf"room:{room} \d+ hello", line) for line in lines)


async def test_who_subscribes_to_a_room_hears_what_was_before_a_broken_line_on_the_client_too(
    node: Node, ada: Member
) -> None:
    room = await ada.make_room()
    channel = f"room:{room}"
    async with cable_to(node.port) as cable, using(cable.port, ada.token) as client:
        await client.connect()
        await client.subscribe(channel)
        await ada.say(room, "hello")
        await until(lambda: client.heard_itself(channel) == [2])
        assert client.heard(channel) == [], "the SDK hands on what comes to the subscription alone"
        await cut_off_while(cable, client, ada, room, messages=1)
        await until(lambda: client.heard_itself(channel) == [2, 3])
        assert client.heard(channel) == [2, 3], "and what is caught up with to both, from where each of them stood"
