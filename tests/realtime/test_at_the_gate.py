"""What the gate sees of a handshake, and what becomes of who waits there."""

import asyncio
import json

import pytest

from folkmoot.realtime.port import Handshake, Receiver, Refused
from tests.realtime.handshakes import refusal, says_hello
from tests.realtime.support import (
    PATIENCE_S,
    TEXT,
    Echo,
    Raw,
    serving,
    tasks,
    upgrade,
)


@pytest.mark.parametrize(
    "start",
    [
        b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000\r\n\r\n",
    ],
    ids=["head", "body"],
)
async def test_a_request_that_drips_is_given_up(start: bytes) -> None:
    async with serving() as node:
        node.app.config.REQUEST_TIMEOUT = node.app.config.RESPONSE_TIMEOUT = 0.4
        client = await Raw.dial(node.port)
        client.write(start)
        answer = asyncio.create_task(client.answer())
        while not answer.done():
            client.write(b"x")
            await asyncio.sleep(0.05)
        assert (await answer).status in (408, 503)


async def test_a_request_that_is_slow_and_comes_in_time_is_answered() -> None:
    async with serving() as node:
        node.app.config.REQUEST_TIMEOUT = node.app.config.RESPONSE_TIMEOUT = 1.2
        client = await Raw.dial(node.port)
        for _ in range(3):  # each has its own time
            client.write(b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
            for _ in range(5):
                client.write(b"x")
                await asyncio.sleep(0.1)
            assert (await client.answer()).body == b"5"
        await client.leave()


async def test_the_gate_sees_what_the_client_asked() -> None:
    seen: list[Handshake] = []

    async def gate(handshake: Handshake) -> Receiver:
        seen.append(handshake)
        return Echo()

    async with serving(gate) as node:
        client = await Raw.dial(node.port)
        head = upgrade("/ws?token=a%20b&x=1", origin="http://localhost", cookie="sid=1", x_list="a")
        client.write(head[:-2] + b"Cookie: more=2\r\nX-List: b\r\n\r\n")
        assert (await client.answer()).status == 101
        await says_hello(client)
    assert (seen[0].path, seen[0].query, seen[0].peer) == ("/ws", "token=a%20b&x=1", "127.0.0.1")
    assert seen[0].headers["origin"] == "http://localhost"
    assert seen[0].headers["cookie"] == "sid=1; more=2"
    assert seen[0].headers["x-list"] == "a, b"


async def test_who_the_gate_refuses_reads_why() -> None:
    async def gate(handshake: Handshake) -> Receiver:
        raise Refused(429, "too_many", "Come back later.", retry_after_s=7)

    async with serving(gate) as node:
        problem = await refusal(node, upgrade())
        assert problem["headers"]["retry-after"] == "7"
        assert {name: problem[name] for name in ("status", "code", "detail", "title")} == {
            "status": 429,
            "code": "too_many",
            "detail": "Come back later.",
            "title": "Too Many Requests",
        }
        assert node.door.refused == {"too_many": 1}
        assert node.connections.opened == 0


async def test_a_gate_that_fails_is_logged_and_hidden(caplog: pytest.LogCaptureFixture) -> None:
    async def gate(handshake: Handshake) -> Receiver:
        raise ValueError("the secret inside")

    async with serving(gate) as node:
        problem = await refusal(node, upgrade())
        assert (problem["status"], problem["code"]) == (500, "internal")
        assert "secret" not in json.dumps(problem)
    assert "the secret inside" in caplog.text


async def test_a_gate_that_takes_too_long_is_given_up() -> None:
    async def gate(handshake: Handshake) -> Receiver:
        await asyncio.sleep(60)
        raise AssertionError

    async with serving(gate, gate_s=0.1) as node:
        problem = await refusal(node, upgrade())
        assert problem["status"] == 503
        assert "retry-after" in problem["headers"]


async def test_frames_sent_while_the_gate_thinks_are_kept() -> None:
    async def gate(handshake: Handshake) -> Receiver:
        await asyncio.sleep(0.1)
        return Echo()

    async with serving(gate) as node:
        client = await Raw.dial(node.port)
        client.write(upgrade())
        for number in range(10):
            await asyncio.sleep(0.005)
            client.send(TEXT, str(number).encode())
        assert (await client.answer()).status == 101
        assert [(await client.read()).payload for _ in range(10)] == [str(n).encode() for n in range(10)]
        await says_hello(client)


@pytest.mark.parametrize("how", ["abort", "leave", "shut"])
async def test_a_client_that_leaves_takes_its_handshake_along(how: str) -> None:
    entered, ended = asyncio.Event(), asyncio.Event()

    async def gate(handshake: Handshake) -> Receiver:
        entered.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError

    async with serving(gate) as node:
        before = tasks()
        client = await Raw.dial(node.port)
        client.write(upgrade())
        await entered.wait()
        if how == "shut":
            client.writer.write_eof()
        else:
            client.writer.close() if how == "leave" else client.abort()
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()
        await asyncio.sleep(0.02)
        assert node.door.at_the_gate == 0
        assert tasks() == before
        client.abort()


async def test_the_gate_takes_so_many_at_once() -> None:
    let_go = asyncio.Event()

    async def gate(handshake: Handshake) -> Receiver:
        await let_go.wait()
        return Echo()

    async with serving(gate, handshakes=3) as node:
        clients = [await Raw.dial(node.port) for _ in range(3)]
        for client in clients:
            client.write(upgrade())
        while node.door.at_the_gate < 3:
            await asyncio.sleep(0.005)
        problem = await refusal(node, upgrade())
        assert (problem["status"], problem["code"]) == (503, "busy")
        let_go.set()
        for client in clients:
            assert (await client.answer()).status == 101
            await says_hello(client)
