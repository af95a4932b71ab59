"""What a client that has just come sees: a WebSocket that works, or why there is none."""

import json
from typing import Any

from tests.realtime.support import (
    TEXT,
    Frame,
    Node,
    Raw,
    close_frame,
)

HELLO = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"


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
