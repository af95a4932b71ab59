"""One port: what is HTTP stays with Sanic, what is a handshake becomes a WebSocket."""

import asyncio
import logging

import pytest

from tests.realtime.handshakes import HELLO, says_hello
from tests.realtime.support import (
    TEXT,
    Raw,
    frame,
    serving,
    tasks,
    upgrade,
)

ACCEPT_OF_SAMPLE_KEY = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3, for "the sample nonce"


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
