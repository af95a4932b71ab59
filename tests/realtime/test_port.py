"""One port: what is HTTP stays with Sanic, what is a handshake becomes a WebSocket, and everything else is refused."""

import asyncio
import json
import logging
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from folkmoot.realtime import connections as connections_module
from folkmoot.realtime.codes import SHUTDOWN
from folkmoot.realtime.frames import text_frame
from folkmoot.realtime.port import Handshake, Receiver, Refused
from tests.realtime.support import (
    CLOSE,
    KEY,
    LIMITS,
    TEXT,
    Echo,
    Frame,
    Node,
    Raw,
    close_frame,
    frame,
    serving,
    tasks,
    upgrade,
)

HELLO = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
ACCEPT_OF_SAMPLE_KEY = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3, for "the sample nonce"


async def says_hello(client: Raw) -> None:
    """The client has a WebSocket that works; it is closed afterwards."""
    client.send(TEXT, b"hello")
    assert await client.read() == Frame(TEXT, b"hello")
    client.write(close_frame(1000))
    assert await client.end() == 1000
    await client.leave()


async def refusal(node: Node, request: bytes) -> dict[str, Any]:
    """The problem that answers the request, after which the server hangs up."""
    client = await Raw.dial(node.port)
    client.write(request)
    answer = await client.answer()
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert await client.reader.read() == b""
    await client.leave()
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["status"] == answer.status
    assert problem["request_id"]
    return {**problem, "headers": answer.headers}


# -- the hand-over


async def test_http_and_websockets_share_the_port() -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        client.write(HELLO)
        assert (await client.answer()).body == b"hello"
        await client.leave()
        await says_hello(await Raw.connect(node.port))
        await says_hello(await Raw.connect(node.port, "/connection/websocket"))


async def test_the_answer_to_a_handshake_says_only_what_it_must() -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        client.write(upgrade())
        answer = await client.answer()
        assert answer.status == 101
        assert answer.headers == {
            "connection": "upgrade",
            "upgrade": "websocket",
            "sec-websocket-accept": ACCEPT_OF_SAMPLE_KEY,
        }
        await says_hello(client)


async def test_a_handshake_may_be_cut_anywhere() -> None:
    async with serving() as node:
        head = upgrade()
        for cut in range(1, len(head)):
            client = await Raw.dial(node.port)
            client.write(head[:cut])
            await asyncio.sleep(0.001)
            client.write(head[cut:])
            assert (await client.answer()).status == 101, cut
            client.abort()


async def test_a_handshake_may_come_byte_by_byte() -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        for byte in upgrade():
            client.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await client.answer()).status == 101
        await says_hello(client)


@pytest.mark.parametrize("count", [1, 2, 50, 4_000])
async def test_frames_right_behind_the_handshake_are_not_lost(count: int) -> None:
    async with serving() as node:
        messages = [f"message {number}".encode() for number in range(count)]
        client = await Raw.dial(node.port)
        client.write(upgrade() + b"".join(frame(TEXT, message) for message in messages))
        assert (await client.answer()).status == 101
        assert [(await client.read()).payload for _ in messages] == messages
        await says_hello(client)


async def test_a_frame_behind_the_handshake_may_be_larger_than_the_first_buffer_and_cut() -> None:
    async with serving() as node:
        data = upgrade() + frame(TEXT, b"x" * 60_000)
        client = await Raw.dial(node.port)
        client.write(data[:30_000])
        await asyncio.sleep(0.02)
        client.write(data[30_000:])
        assert (await client.answer()).status == 101
        assert (await client.read()).payload == b"x" * 60_000
        await says_hello(client)


async def test_requests_may_come_before_the_handshake() -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        for _ in range(3):
            client.write(HELLO)
            assert (await client.answer()).body == b"hello"
            client.write(b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n12345")
            assert (await client.answer()).body == b"5"
        client.write(upgrade())
        assert (await client.answer()).status == 101
        await says_hello(client)


async def test_a_handshake_may_follow_a_request_in_the_same_packet() -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        client.write(HELLO + upgrade() + frame(TEXT, b"first"))
        assert (await client.answer()).body == b"hello"
        assert (await client.answer()).status == 101
        assert (await client.read()).payload == b"first"
        await says_hello(client)


async def test_a_body_that_reads_like_a_handshake_is_a_body() -> None:
    async with serving() as node:
        body = upgrade()
        client = await Raw.dial(node.port)
        client.write(b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body))
        await asyncio.sleep(0.02)
        client.write(body)
        assert (await client.answer()).body == str(len(body)).encode()
        assert node.connections.opened == 0
        await client.leave()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
        (b"GET /ws?token=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 426),
        (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426),
        (b"GET /wsx HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /w HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (upgrade("/ws/x"), 404),
        (upgrade("/elsewhere"), 404),
        (upgrade().replace(b"GET", b"POST", 1), 405),
    ],
)
async def test_what_is_no_handshake_on_our_paths_is_for_sanic(request_bytes: bytes, status: int) -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        client.write(request_bytes)
        assert (await client.answer()).status == status
        await client.leave()


async def test_handing_over_leaves_nothing_behind_in_sanic(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as node:
        before = tasks()
        clients = [await Raw.connect(node.port) for _ in range(20)]
        await asyncio.sleep(0.01)
        assert node.server.connections == set()
        assert tasks() == before
        for client in clients:
            await says_hello(client)
    assert [record for record in caplog.records if record.levelno >= logging.INFO and "sanic" in record.name] == []


async def test_two_nodes_live_in_one_process() -> None:
    async with serving() as one, serving() as other:
        client = await Raw.connect(one.port)
        await says_hello(await Raw.connect(other.port))
        assert (len(one.connections), one.connections.opened) == (1, 1)
        assert (len(other.connections), other.connections.opened) == (0, 1)
        await says_hello(client)


# -- who is refused


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": "keep-alive, Upgrade"},
        {"connection": "upgrade ,keep-alive"},
        {"connection": "UPGRADE"},
        {"upgrade": "WebSocket"},
        {"upgrade": "websocket, h2c"},
        {"content_length": "0"},
        {"cookie": "a=ü"},
        {"sec_websocket_extensions": "permessage-deflate", "sec_websocket_protocol": "centrifuge-json"},
    ],
)
async def test_every_spelling_of_browsers_is_understood(changes: dict[str, str]) -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        client.write(upgrade(**changes))
        assert (await client.answer()).status == 101
        await says_hello(client)


@pytest.mark.parametrize(
    "changes",
    [
        {"host": None},
        {"host": ""},
        {"connection": None},
        {"connection": "keep-alive"},
        {"connection": "notupgrade"},
        {"sec_websocket_key": None},
        {"sec_websocket_key": ""},
        {"sec_websocket_key": KEY[:-1]},
        {"sec_websocket_key": "AAAA"},
        {"sec_websocket_key": "!" * 24},
        {"content_length": "1"},
        {"content_length": "00"},
        {"content_length": "-1"},
        {"transfer_encoding": "chunked"},
        {"transfer_encoding": "identity"},
    ],
)
async def test_a_handshake_that_is_wrong_is_refused(changes: dict[str, str | None]) -> None:
    async with serving() as node:
        problem = await refusal(node, upgrade(**changes))
        assert (problem["status"], problem["code"]) == (400, "bad_request")


@pytest.mark.parametrize("extra", [
    b"Host: other",
    b"Origin: http://a\r\nOrigin: http://b",
    b"Sec-WebSocket-Key: " + KEY.encode(),
    b"Sec-WebSocket-Version: 13",
    b"Content-Length: 0\r\nContent-Length: 0",
    b"Authorization: Bearer a\r\nAuthorization: Bearer b",
    b"X-Real-IP: 10.0.0.1\r\nX-Real-IP: 10.0.0.2",
    b"Origin : http://a",
    b" folded: 1",
    b"Folded: 1\r\n 2",
    b"Nul: a\x00b",
    b"Bare: a\nHost: b",
    b"Bare: a\rb",
    b"no colon",
    b": no name",
    b"Na(me: 1",
    b"N\xc3\xa4me: 1",
])  # fmt: skip
async def test_a_head_that_smuggles_is_refused(extra: bytes) -> None:
    async with serving() as node:
        problem = await refusal(node, upgrade()[:-2] + extra + b"\r\n\r\n")
        assert (problem["status"], problem["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /ws  HTTP/1.1",
        b"GET /ws HTTP/1.1 ",
        b"GET /ws?a b HTTP/1.1",
        b"GET /ws?a\x01 HTTP/1.1",
        b"GET /ws?\xff HTTP/1.1",
        b"GET /ws?#a HTTP/1.1",
        b"GET /ws HTTP/1.0",
        b"GET /ws HTTP/2.0",
        b"GET /ws HTTX/1.1",
        b"GET /ws",
    ],
)
async def test_a_request_line_that_is_wrong_is_refused(line: bytes) -> None:
    async with serving() as node:
        head = upgrade()
        if line == b"GET /ws":
            line = b"GET /ws "
        problem = await refusal(node, line + head[head.index(b"\r\n") :])
        assert problem["status"] == 400


async def test_another_version_is_told_ours() -> None:
    async with serving() as node:
        for version in ("8", "14", None):
            problem = await refusal(node, upgrade(sec_websocket_version=version))
            assert problem["status"] == 426
            assert problem["headers"]["sec-websocket-version"] == "13"


async def test_a_head_has_a_largest_size() -> None:
    async with serving() as node:
        problem = await refusal(node, upgrade(x_padding="x" * 17_000))
        assert problem["status"] == 431
        problem = await refusal(node, upgrade(**{f"x_{number}": "1" for number in range(200)}))
        assert problem["status"] == 431
        client = await Raw.dial(node.port)
        client.write(upgrade(x_padding="x" * 15_000))
        assert (await client.answer()).status == 101
        await says_hello(client)


async def test_a_head_that_drips_is_given_up() -> None:
    async with serving(head_s=0.2) as node:
        client = await Raw.dial(node.port)
        client.write(b"GET /ws HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                client.write(b"X")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        dripping.cancel()
        await asyncio.wait([dripping])
        client.abort()


# -- the gate


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
        node.app.config.REQUEST_TIMEOUT = node.app.config.RESPONSE_TIMEOUT = 0.4
        client = await Raw.dial(node.port)
        for _ in range(3):  # each has its own time
            client.write(b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
            for _ in range(5):
                client.write(b"x")
                await asyncio.sleep(0.05)
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
        async with asyncio.timeout(2):
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


# -- stopping


async def test_a_drain_tells_everybody_and_lets_nobody_in() -> None:
    async with serving() as node:
        clients = [await Raw.connect(node.port) for _ in range(30)]
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=0.3))

        async def leave(client: Raw) -> int:
            said = await client.read()
            assert said.opcode == CLOSE
            client.write(close_frame(said.code))
            assert await client.reader.read() == b""
            await client.leave()
            return said.code

        assert {await leave(client) for client in clients} == {3001}
        await drain
        assert [receiver.told for receiver in node.receivers] == [["connected", "disconnected"]] * 30
        assert {receiver.close for receiver in node.receivers} == {SHUTDOWN}
        assert (await refusal(node, upgrade()))["status"] == 503


async def test_a_drain_of_many_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "_FREELY_PER_S", 10)
    async with serving() as node:
        loop = asyncio.get_running_loop()
        clients = [await Raw.connect(node.port) for _ in range(10)]
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=1.0))
        began = loop.time()

        async def closed_after(client: Raw) -> float:
            await client.read()
            after = loop.time() - began
            client.write(close_frame(1000))
            await client.leave()
            return after

        moments = sorted(await asyncio.gather(*map(closed_after, clients)))
        await drain
        assert moments[-1] - moments[0] > 0.4
        assert max(b - a for a, b in pairwise(moments)) < 0.5, "some are in the middle"


async def test_a_drain_of_few_takes_no_longer_than_it_must() -> None:
    async with serving() as node:
        clients = [await Raw.connect(node.port) for _ in range(5)]
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=20))
        async with asyncio.timeout(5):
            for client in clients:
                assert (await client.read()).code == 3001
                client.write(close_frame(3001))
                await client.leave()
            await drain


async def test_who_waits_for_an_answer_gets_it_before_the_drain_closes() -> None:
    async with serving() as node:
        busy, idle = await Raw.connect(node.port), await Raw.connect(node.port)
        receiver = node.receivers[0]
        receiver.is_busy = True
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=0))
        assert (await idle.read()).code == 3001
        busy.send(TEXT, b"too late")
        await asyncio.sleep(0.1)
        assert receiver.messages == [], "nothing more is taken"
        receiver.connection.send(text_frame(b"the answer"))
        receiver.is_busy = False
        assert await busy.read() == Frame(TEXT, b"the answer")
        assert (await busy.read()).code == 3001
        for client in (busy, idle):
            client.write(close_frame(3001))
            await client.leave()
        await drain


async def test_a_drain_does_not_wait_for_an_answer_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "_FINISH_S", 0.2)
    async with serving() as node:
        client = await Raw.connect(node.port)
        node.receivers[0].is_busy = True
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=0))
        assert (await client.read()).code == 3001
        client.write(close_frame(3001))
        await client.leave()
        await drain


async def test_a_drain_does_not_wait_for_who_never_answers() -> None:
    async with serving(limits=replace(LIMITS, close_s=0.2)) as node:
        clients = [await Raw.connect(node.port) for _ in range(3)]
        async with asyncio.timeout(2):
            await node.connections.drain(SHUTDOWN, within_s=0)
        assert len(node.connections) == 0
        for client in clients:
            assert await client.end() == 3001
            await client.leave()


async def test_who_is_at_the_gate_when_the_node_stops_is_sent_away() -> None:
    let_go = asyncio.Event()

    async def gate(handshake: Handshake) -> Receiver:
        await let_go.wait()
        return Echo()

    async with serving(gate) as node:
        client = await Raw.dial(node.port)
        client.write(upgrade())
        while not node.door.at_the_gate:
            await asyncio.sleep(0.005)
        await node.connections.drain(SHUTDOWN, within_s=0)
        let_go.set()
        assert (await client.answer()).status == 503
        await client.leave()


async def test_stopping_ends_what_is_still_open_and_every_task() -> None:
    before = tasks()
    async with serving() as node:
        clients = [await Raw.connect(node.port) for _ in range(5)]
    assert [receiver.told for receiver in node.receivers] == [["connected", "disconnected"]] * 5
    assert tasks() <= before
    for client in clients:
        await client.leave()
