"""Sockets through nginx: how long silent ones live, and what a reload does to all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from folkmoot.app import Node
from tests.conftest import Start
from tests.nginx.front import Front, front
from tests.people import Member, enrol
from tests.realtime.python_client import Sdk
from tests.realtime.wire import until, wired


@asynccontextmanager
async def before(folder: Path, node: Node, **variables: str) -> AsyncIterator[Front]:
    address = f"127.0.0.1:{node.port}"
    async with front(folder, API_UPSTREAM=address, WS_UPSTREAM=address, **variables) as running:
        yield running


def echo(running: Front, member: Member) -> connect:
    return connect(f"ws://127.0.0.1:{running.port}/ws?token={member.token}", proxy=None, ping_interval=None)


async def test_the_echo(entrance: Front, ada: Member) -> None:
    async with echo(entrance, ada) as socket:
        await socket.send("hello")
        assert await socket.recv() == "I've received: hello"
        await socket.send("/out")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


@pytest.mark.parametrize("path", ["/ws", "/connection/websocket", "/api/ws", "/api/connection/websocket"])
async def test_sockets_of_the_protocol(entrance: Front, ada: Member, path: str) -> None:
    async with wired(entrance.port, ada.token, path) as wire:
        assert await wire.do("rpc", method="rooms.mine", data={})


async def test_another_page_may_not_connect(entrance: Front) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{entrance.port}/ws", origin=Origin("http://evil.test"), proxy=None):
            raise AssertionError("it came in")
    assert refused.value.response.status_code == 403


async def test_a_socket_that_is_pinged_outlives_the_silence_that_nginx_allows(start: Start, tmp_path: Path) -> None:
    async with (
        start(socket_ping_s=0.5) as node,
        enrol(node, "Ada") as ada,
        before(tmp_path, node, SOCKET_SILENCE="1") as running,
        wired(running.port, ada.token, "/connection/websocket") as wire,
    ):
        await wire.hears(lambda: wire.pings >= 6)  # three times as long as nginx would wait
        assert await wire.do("rpc", method="rooms.mine", data={})


async def test_a_server_that_says_nothing_more_is_given_up(start: Start, tmp_path: Path) -> None:
    """The same without pings: so it is the time-out of nginx that the pings above have kept away."""
    async with (
        start(socket_ping_s=3600.0) as node,
        enrol(node, "Ada") as ada,
        before(tmp_path, node, SOCKET_SILENCE="1") as running,
        wired(running.port, ada.token, "/connection/websocket") as wire,
    ):
        assert await wire.expect_close() == 1006


async def test_a_silent_echo_lives_until_the_server_ends_it_and_says_why(start: Start, tmp_path: Path) -> None:
    """It has no pings, and may be silent for longer than other sockets."""
    async with (
        start(api_websocket_timeout=2) as node,
        enrol(node, "Ada") as ada,
        before(tmp_path, node, API_WEBSOCKET_TIMEOUT="60", SOCKET_SILENCE="1") as running,
        echo(running, ada) as socket,
    ):
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None


async def test_nginx_ends_a_silent_echo_when_the_server_does_not(node: Node, ada: Member, tmp_path: Path) -> None:
    async with (
        before(tmp_path, node, API_WEBSOCKET_TIMEOUT="1", SOCKET_SILENCE="1") as running,
        echo(running, ada) as socket,
    ):
        now = asyncio.get_running_loop().time
        began = now()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is None
        assert now() - began > 1.9


async def test_ten_reloads_leave_one_worker_and_nobody_misses_a_message(
    node: Node, ada: Member, bob: Member, tmp_path: Path
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    channel = f"room:{room_id}"
    async with before(tmp_path, node) as running:
        listeners = [Sdk(running.port, bob.token, "/connection/websocket") for _ in range(3)]
        for listener in listeners:
            await listener.connect()
        said = []
        for number in range(10):
            await running.reload(RATE=str(1_000 + number))
            said.append((await ada.say(room_id, f"Message {number}"))["seq"])
        await until(lambda: len(running.workers()) == 1)  # DRAIN is a second here
        for listener in listeners:
            await until(lambda heard=listener.heard: heard(channel) == said)  # type: ignore[misc]
            assert listener.times("connecting") > 1, "its worker is gone, so it must have come back"
            await listener.client.disconnect()
