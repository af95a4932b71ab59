"""Handshakes that are refused: wrong ones, those that smuggle, those that are too large or too slow."""

import asyncio

import pytest

from tests.realtime.handshakes import refusal, says_hello
from tests.realtime.support import (
    KEY,
    Raw,
    serving,
    upgrade,
)


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
