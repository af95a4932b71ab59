"""What one place may take up, and what a slow one costs the others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.nginx.behind import Received, behind, okay
from tests.nginx.front import Front, front
from tests.nginx.raw import Answer, exchange
from tests.nginx.test_headers import assert_protected
from tests.people import assert_problem


def assert_refused(answer: httpx.Response) -> None:
    assert_problem(answer, 429, "too_many")
    assert answer.headers["retry-after"] == "1"
    assert_protected(answer)


@pytest.mark.parametrize("path", ["/", "/api/x", "/connection/websocket"])
async def test_who_asks_too_often_is_told_to_wait(tmp_path: Path, path: str) -> None:
    rates = {"RATE": "1", "RATE_BURST": "2", "SOCKET_RATE": "1", "SOCKET_BURST": "2"}
    async with behind() as server, front(tmp_path, **_to(server.address), **rates) as running:
        answers = await asyncio.gather(*(running.http.get(path) for _ in range(20)))
        refused = [answer for answer in answers if answer.status_code != 200]
        assert 0 < len(refused) <= 17
        for answer in refused:
            assert_refused(answer)


async def test_a_household_is_one_place(tmp_path: Path) -> None:
    """It has a /64 of IPv6, and may take another address of it for each request."""
    variables = {"TRUSTED_PROXIES": "127.0.0.1", "RATE": "1", "RATE_BURST": "1"}
    async with behind() as server, front(tmp_path, **_to(server.address), **variables) as running:

        async def come_from(addresses: list[str]) -> list[int]:
            asked = (running.http.get("/api/x", headers={"X-Forwarded-For": address}) for address in addresses)
            return [answer.status_code for answer in await asyncio.gather(*asked)]

        one_household = await come_from([f"2001:db8:1:2::{number}" for number in range(1, 20)])
        assert 429 in one_household
        many_households = await come_from([f"2001:db8:1:{number}::1" for number in range(3, 22)])
        assert set(many_households) == {200}
        assert set(await come_from([f"203.0.113.{number}" for number in range(1, 20)])) == {200}


@pytest.mark.parametrize(("path", "limit"), [("/api/x", "CONNECTIONS"), ("/ws", "SOCKETS")])
async def test_who_has_too_much_under_way_is_told_to_wait(tmp_path: Path, path: str, limit: str) -> None:
    waiting, release = asyncio.Event(), asyncio.Event()

    async def wait(request: Received, writer: asyncio.StreamWriter) -> None:
        waiting.set()
        await release.wait()
        await okay(request, writer)

    async with behind(wait) as server, front(tmp_path, **_to(server.address), **{limit: "1"}) as running:
        first = asyncio.create_task(running.http.get(path))
        await waiting.wait()
        assert_refused(await running.http.get(path))
        release.set()
        assert (await first).status_code == 200
        assert (await running.http.get(path)).status_code == 200


async def test_a_body_that_is_too_large_never_reaches_the_server(tmp_path: Path) -> None:
    async with behind() as server, front(tmp_path, **_to(server.address), BODY_LIMIT="2k") as running:
        assert (await running.http.post("/api/x", content=b"x" * 2048)).status_code == 200

        async def pieces() -> AsyncIterator[bytes]:  # which are sent in chunks, without a length
            for _ in range(3):
                yield b"x" * 1024

        for content in (b"x" * 2049, pieces()):
            refused = await running.http.post("/api/x", content=content)
            assert_problem(refused, 413, "too_large")
            assert_protected(refused)
        assert len(server.requests) == 1


async def test_a_head_or_an_address_that_is_too_large_is_refused(entrance: Front) -> None:
    long = await entrance.http.get(f"/{'x' * 9_000}")
    assert_problem(long, 414, "malformed")
    large = await entrance.http.get("/", headers={"X-Large": "x" * 9_000})
    assert_problem(large, 431, "too_large")
    for answer in (long, large):
        assert_protected(answer)


async def test_slow_heads_and_bodies_are_cut_while_others_are_served(tmp_path: Path) -> None:
    """A head that drips, a body that stops, and one that never comes: none of them reaches the server."""
    post = "POST /api/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n"
    async with (
        behind() as server,
        front(tmp_path, **_to(server.address), HEADER_TIMEOUT="1", BODY_TIMEOUT="1") as running,
    ):
        slow = [
            asyncio.create_task(_drip(running.port, "GET / HTTP/1.1\r\nX-Slow: " + "x" * 10_000)),
            *(asyncio.create_task(exchange(running.port, piece)) for piece in (post, post + "abc", "GET")),
        ]
        served = 0
        while not all(task.done() for task in slow):
            assert (await running.http.post("/api/x", content=b"quick")).status_code == 200
            served += 1
            await asyncio.sleep(0.01)
        assert served > 10
        for task in slow:
            assert all(answer.status in (400, 408) for answer in task.result())
        assert [request.body for request in server.requests] == [b"quick"] * served


def _to(address: str) -> dict[str, str]:
    return {"API_UPSTREAM": address, "WS_UPSTREAM": address}


async def _drip(port: int, text: str) -> list[Answer]:
    """A byte now and then, until the other side has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for byte in text.encode():
            if reader.at_eof() or writer.is_closing():
                return []
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)
    except ConnectionError:
        return []
    finally:
        writer.close()
    raise AssertionError("it was heard out")
