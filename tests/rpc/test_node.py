"""npm's client, which shares nothing with ours: another language, another library, the contracts from their files."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import Start
from tests.people import enrol
from tests.realtime.test_sdk_javascript import _node_and_npm
from tests.realtime.wire import until

FOLDER = Path(__file__).parent / "node"
UNAUTHENTICATED = 16


class Told:
    """What the program in Node has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.lines: list[dict[str, Any]] = []
        self._process = process
        self._reading = asyncio.create_task(self._read())

    async def first(self, event: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def is_told() -> bool:
            found[:] = [line for line in self.lines if line["event"] == event]
            assert found or not self._reading.done(), (event, self.lines)
            return bool(found)

        await until(is_told, 30)
        return found[0]

    async def ended(self) -> int:
        await self._reading
        return await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(json.loads(line))


async def test_the_client_of_npm_gets_what_ours_gets(start: Start) -> None:
    node, npm = _node_and_npm()
    if not (FOLDER / "node_modules").is_dir():
        subprocess.run([*npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, stdout=sys.stderr)
    async with start(grpc_port=0, grpc_open=("api",)) as server, enrol(server, "Ada") as ada:
        room = await ada.make_room("Orchard")
        process = await asyncio.create_subprocess_exec(
            node, FOLDER / "client.mjs", f"127.0.0.1:{server.grpc_port}", ada.token, str(room),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told = Told(process)
        try:
            assert (await told.first("hello"))["message"] == "Hello Gonzalo!"
            ten = [{"id": number, "name": f"name {number}"} for number in range(1, 11)]
            assert (await told.first("all"))["items"] == ten
            assert (await told.first("stream"))["items"] == ten[:5]
            sent = await told.first("sent")
            assert (sent["body"], sent["author"], sent["seq"]) == ("Hello from Node", {"id": ada.id, "name": "Ada"}, 2)
            assert (await told.first("history"))["events"][-1] == {name: sent[name] for name in sent if name != "event"}
            rooms = json.loads((await told.first("called"))["json"])["rooms"]
            assert "Orchard" in [one["name"] for one in rooms]
            refused = await told.first("refused")
            assert (refused["code"], refused["folkmoot"]) == (UNAUTHENTICATED, ["not_signed_in"])
            await until(lambda: told.lines and [line for line in told.lines if line.get("offset") == 2])
            heard = [line for line in told.lines if line["event"] == "heard"]
            assert heard[0]["epoch"]
            assert [body for line in heard for body in line["bodies"]][-1] == "Hello from Node"
            assert (await ada.http.delete("/api/v1.0/session")).status_code == 204
            ended = await told.first("ended")
            assert (ended["code"], ended["folkmoot"]) == (UNAUTHENTICATED, ["not_signed_in"])
            assert await told.ended() == 0
        finally:
            if process.returncode is None:
                process.kill()
                await told.ended()
