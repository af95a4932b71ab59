"""How many sockets may be opened in a minute."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.app import Node
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.http.test_limits import forget_tries
from tests.people import browsing, enrol

HEAD = (
    "GET /connection/websocket HTTP/1.1\r\nHost: folkmoot.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


@pytest.fixture
async def strict(start: Start, redis: Redis) -> AsyncIterator[Node]:
    """A node where three sockets may be opened in a minute."""
    await forget_tries(redis)
    async with start(handshakes_per_minute=3, trusted_proxies=("127.0.0.1/32",)) as node:
        yield node
    await forget_tries(redis)


async def knock(node: Node, **headers: str) -> tuple[int, str]:
    """The status of a handshake, and its Retry-After."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    writer.write(f"{HEAD}{lines}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    after = [line.partition(": ")[2] for line in head.split("\r\n") if line.lower().startswith("retry-after")]
    return int(head.split()[1]), after[0] if after else ""


async def test_strangers_are_counted_by_address(strict: Node) -> None:
    statuses = [(await knock(strict, X_Real_IP="192.0.2.1"))[0] for _ in range(3)]
    assert statuses == [101, 101, 101]
    status, after = await knock(strict, X_Real_IP="192.0.2.1")
    assert status == 429
    assert 1 <= int(after) <= 61
    assert (await knock(strict, X_Real_IP="192.0.2.2"))[0] == 101


async def test_those_who_are_signed_in_are_counted_by_who_they_are(strict: Node) -> None:
    """All of an office comes back at once after a restart, from one address."""
    async with enrol(strict, "Eve") as eve, enrol(strict, "Bob") as bob:
        for member in (eve, bob):
            async with browsing(strict) as browser:
                await browser.sign_in(member.email)
                given = {"Cookie": f"sid={browser.token}", "Origin": "http://folkmoot.test", "X_Real_IP": "192.0.2.3"}
                statuses = [(await knock(strict, **given))[0] for _ in range(4)]
                assert statuses == [101, 101, 101, 429]


async def test_two_nodes_count_together(strict: Node, start: Start) -> None:
    async with start(handshakes_per_minute=3, trusted_proxies=("127.0.0.1/32",)) as other:
        nodes = (strict, other, strict, other)
        assert [(await knock(node, X_Real_IP="192.0.2.4"))[0] for node in nodes] == [101, 101, 101, 429]


async def test_without_redis_it_is_still_a_limit(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with start(redis_url=url, handshakes_per_minute=3) as node:
        await relay.cut()
        assert [(await knock(node))[0] for _ in range(4)] == [101, 101, 101, 429]
