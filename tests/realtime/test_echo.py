"""The plain-text echo: `/ws?token=…`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from folkmoot import bus
from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import until


@asynccontextmanager
async def echo(node: Node, token: str, path: str = "/ws") -> AsyncIterator[ClientConnection]:
    address = f"ws://127.0.0.1:{node.port}{path}?token={quote(token)}"
    async with connect(address, compression=None, proxy=None, ping_interval=None) as socket:
        yield socket


async def end_of(socket: ClientConnection, within_s: float = 5.0) -> tuple[int | None, str | None]:
    async with asyncio.timeout(within_s):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code, socket.close_reason


async def ticket_of(member: Member) -> str:
    answer = await member.http.post("/api/v1.0/tickets")
    assert answer.json()["expires_in_s"] == 30
    return str(answer.json()["ticket"])


@pytest.mark.parametrize("path", ["/ws", "/api/ws"])
async def test_what_one_says_is_echoed_until_one_says_out(node: Node, ada: Member, path: str) -> None:
    async with echo(node, await ticket_of(ada), path) as socket:
        for said in ("hello", "", "\u00fc\U0001f600", " /out", "/out ", "{}", "x" * 60_000):
            await socket.send(said)
            assert await socket.recv() == f"I've received: {said}"
        await socket.send("/out")
        assert await end_of(socket) == (1000, "")


async def test_the_token_stays_valid_after_out(node: Node, ada: Member) -> None:
    for _ in range(2):
        async with echo(node, ada.token) as socket:
            await socket.send("/out")
            assert (await end_of(socket))[0] == 1000
    assert (await ada.http.get("/api/v1.0/session")).status_code == 200


@pytest.mark.parametrize("token", ["", "wrong", "x" * 5_000, "\u00fc", "0"])
async def test_a_wrong_or_empty_token_closes_at_once_with_a_code_that_says_so(node: Node, token: str) -> None:
    async with echo(node, token) as socket:
        assert await end_of(socket, within_s=1.0) == (3500, "invalid token")


async def test_without_a_token_it_is_not_the_echo(node: Node) -> None:
    async with connect(f"ws://127.0.0.1:{node.port}/ws", compression=None, proxy=None) as socket:
        await socket.send("hello")
        assert (await end_of(socket))[0] == 3501


async def test_an_access_token_opens_the_echo_in_development_only(start: Start) -> None:
    async with start(api_mode="production") as node, enrol(node, "Ada") as ada:
        async with echo(node, ada.token) as socket:
            assert (await end_of(socket))[0] == 3500
        async with echo(node, await ticket_of(ada)) as socket:
            await socket.send("hello")
            assert await socket.recv() == "I've received: hello"
    async with (
        start(api_mode="production", socket_echo_token=True) as node,
        enrol(node, "Ada") as ada,
        echo(node, ada.token) as socket,
    ):
        await socket.send("hello")
        assert await socket.recv() == "I've received: hello"


async def test_a_ticket_opens_one_socket_even_when_many_try_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "CALL_S", 10.0)  # a busy machine is no Redis that is away

    async def attempt(node: Node, ticket: str) -> bool:
        async with echo(node, ticket) as socket:
            with suppress(ConnectionClosed):
                await socket.send("hello")
                return bool(await socket.recv())
            return socket.close_code != 3500

    async with start() as node, enrol(node, "Ada") as ada:
        ticket = await ticket_of(ada)
        opened = await asyncio.gather(*(attempt(node, ticket) for _ in range(30)))
    assert opened.count(True) == 1


async def test_a_ticket_that_nobody_used_in_time_is_worth_nothing(node: Node, ada: Member) -> None:
    redis = node.core.bus.redis
    before = {key async for key in redis.scan_iter("folkmoot:ticket:*")}  # of others
    ticket = await ticket_of(ada)
    (key,) = {key async for key in redis.scan_iter("folkmoot:ticket:*")} - before
    assert 0 < await redis.pttl(key) <= 30_000
    await redis.pexpire(key, 1)
    while await redis.exists(key):
        await asyncio.sleep(0.005)
    async with echo(node, ticket) as socket:
        assert (await end_of(socket))[0] == 3500


async def test_a_ticket_ends_with_its_session(node: Node, ada: Member) -> None:
    ticket = await ticket_of(ada)
    await ada.http.delete("/api/v1.0/session")
    async with echo(node, ticket) as socket:
        assert (await end_of(socket))[0] in (3500, 3503)


async def test_an_idle_echo_closes_as_soon_as_its_session_is_revoked(node: Node, ada: Member) -> None:
    async with echo(node, await ticket_of(ada)) as idle, echo(node, ada.token) as other:
        await until(lambda: node.engine.hub.sockets_of(ada.id) == 2)
        assert (await ada.http.delete("/api/v1.0/session")).status_code == 204
        for socket in (idle, other):
            assert await end_of(socket, within_s=1.0) == (3503, "force disconnect")
    await until(lambda: node.engine.hub.sockets_of(ada.id) == 0)


async def test_binary_is_not_text(node: Node, ada: Member) -> None:
    async with echo(node, ada.token) as socket:
        await socket.send(b"hello")
        assert (await end_of(socket))[0] == 3501


async def test_an_echo_counts_as_one_of_the_sockets_of_its_user(start: Start) -> None:
    async with (
        start(sockets_per_user=2) as node,
        enrol(node, "Ada") as ada,
        echo(node, ada.token),
        echo(node, ada.token),
        echo(node, ada.token) as third,
    ):
        assert (await end_of(third))[0] == 3504
