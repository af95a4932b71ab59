"""Requests that two servers could read in two ways: each is refused, or answered once, and the node saw no other.

The node is a real one, so that its reading is what counts. It is asked for `/v1.0/smuggled` by no honest request.
"""

from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from folkmoot.app import Node
from tests.nginx.front import Front
from tests.nginx.raw import exchange

HOST = "Host: chat.test\r\n"
END = "Connection: close\r\n\r\n"
INNER = f"GET /api/v1.0/smuggled HTTP/1.1\r\n{HOST}\r\n"
POST = "POST /api/v1.0/session HTTP/1.1\r\n"
JSON = "Content-Type: application/json\r\n"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{KEY}"


def chunked(size: str, content: str = "{}") -> str:
    return f"{size}\r\n{content}\r\n0\r\n\r\n"


def post(headers: str, body: str = "{}", behind: str = INNER) -> str:
    """A request with these headers and this body, and another request behind it."""
    return f"{POST}{HOST}{JSON}{headers}\r\n\r\n{body}{behind}"


def upgrade(path: str, headers: str, body: str) -> str:
    return f"GET {path} HTTP/1.1\r\n{HOST}{UPGRADE}{headers}\r\n\r\n{body}"


REFUSED = {
    "no host": f"GET /api HTTP/1.1\r\n{END}",
    "two hosts": f"GET /api HTTP/1.1\r\n{HOST}Host: evil.test\r\n{END}",
    "the same host twice": f"GET /api HTTP/1.1\r\n{HOST}{HOST}{END}",
    "a host with a space before the colon": f"GET /api HTTP/1.1\r\nHost : chat.test\r\n{END}",
    "a host of two lines": f"GET /api HTTP/1.1\r\nHost:\r\n chat.test\r\n{END}",
    "a host in the line and another in the head": f"GET http://evil.test/api HTTP/1.1\r\n{HOST}{END}",
    "a host with a path": f"GET /api HTTP/1.1\r\nHost: chat.test/evil\r\n{END}",
    "an empty host": f"GET /api HTTP/1.1\r\nHost:\r\n{END}",
    "a length and chunks": post("Content-Length: 6\r\nTransfer-Encoding: chunked", chunked("0")),
    "two lengths": post("Content-Length: 2\r\nContent-Length: 60"),
    "a length twice": post("Content-Length: 2, 2"),
    "a length with a sign": post("Content-Length: +2"),
    "a length in hexadecimal": post("Content-Length: 0x2"),
    "a negative length": post("Content-Length: -2"),
    "a length with a space before the colon": post("Content-Length : 2"),
    "a chunk's size with 0x": post("Transfer-Encoding: chunked", chunked("0x2")),
    "a chunk's size with a sign": post("Transfer-Encoding: chunked", chunked("+2")),
    "a chunk's size with an underscore": post("Transfer-Encoding: chunked", chunked("0_2")),
    "a chunk's size that overflows": post("Transfer-Encoding: chunked", chunked("1" + "0" * 16)),
    "a chunk longer than it says": post("Transfer-Encoding: chunked", chunked("1")),
    "chunks in HTTP/1.0": post("Transfer-Encoding: chunked", chunked("2")).replace("HTTP/1.1", "HTTP/1.0", 1),
    "chunks by another name": post("Transfer-Encoding: xchunked", chunked("2")),
    "chunks with a vertical tab": post("Transfer-Encoding: \x0bchunked", chunked("2")),
    "chunks twice": post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunked("2")),
    "chunks and identity": post("Transfer-Encoding: chunked, identity", chunked("2")),
    "chunks with a space before the colon": post("Transfer-Encoding : chunked", chunked("2")),
    "chunks in a folded line": post("Transfer-Encoding:\r\n chunked", chunked("2")),
    "a header without a name": f"GET /api HTTP/1.1\r\n{HOST}: x\r\n{END}",
    "a NUL in a header": f"GET /api HTTP/1.1\r\n{HOST}X-A: a\x00b\r\n{END}",
    "a carriage return in a header": f"GET /api HTTP/1.1\r\n{HOST}X-A: a\rTransfer-Encoding: chunked\r\n{END}",
    "a space in the address": f"GET /api/a b HTTP/1.1\r\n{HOST}{END}",
    "a tab in the address": f"GET /api/a\tb HTTP/1.1\r\n{HOST}{END}",
    "a version that is none": f"GET /api HTTP/1.1x\r\n{HOST}{END}",
    "a method in small letters": f"get /api HTTP/1.1\r\n{HOST}{END}",
    "a tunnel": f"CONNECT chat.test:443 HTTP/1.1\r\n{HOST}{END}",
    "a trace": f"TRACE /api HTTP/1.1\r\n{HOST}{END}",
    "the old version without headers": "GET /api\r\n",
    "an upgrade with a body": upgrade("/ws", f"Content-Length: {len(INNER)}", INNER),
    "an upgrade with chunks": upgrade("/ws", "Transfer-Encoding: chunked", chunked("2")),
    "an upgrade of the Centrifuge address with a body": upgrade("/connection/websocket", "Content-Length: 5", "hello"),
}
ONCE = {
    "a header without a colon": f"GET /api HTTP/1.1\r\n{HOST}nonsense\r\n{END}",
    "a request": f"GET /api HTTP/1.1\r\n{HOST}{END}",
    "an honest one with chunks": post("Connection: close\r\nTransfer-Encoding: chunked", chunked("2"), behind=""),
    "lines that end with a line feed alone": "GET /api HTTP/1.1\nHost: chat.test\nConnection: close\n\n",
    "an upgrade to HTTP/2": (
        f"GET /api HTTP/1.1\r\n{HOST}Connection: Upgrade, HTTP2-Settings, close\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    ),
    "an upgrade where there is no socket": (
        f"GET /api HTTP/1.1\r\n{HOST}Connection: close, Upgrade\r\nUpgrade: websocket\r\n{KEY}\r\n"
    ),
    "a body with GET": f"GET /api HTTP/1.1\r\n{HOST}Content-Length: {len(INNER)}\r\n{END}{INNER}",
    "a chunk with an extension": post("Connection: close\r\nTransfer-Encoding: chunked", chunked("2;a=b"), behind=""),
    "an underscore for a dash": f"GET /api HTTP/1.1\r\n{HOST}Transfer_Encoding: chunked\r\n{END}",
    "HTTP/1.0 without a host": "GET /api HTTP/1.0\r\n\r\n",
}


Seen = Callable[[], list[str]]


@pytest.fixture
def seen(node: Node) -> Iterator[Seen]:
    """The requests of the node, as it logs them."""
    with capture_logs() as lines:
        yield lambda: [line["path"] for line in lines if line["event"] == "request"]


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED.keys())
async def test_what_can_be_read_in_two_ways_is_refused(entrance: Front, seen: Seen, sent: str) -> None:
    answers = await exchange(entrance.port, sent)
    assert len(answers) <= 1
    assert all(answer.status in (400, 405, 501) for answer in answers), answers
    assert seen() == []


@pytest.mark.parametrize("sent", ONCE.values(), ids=ONCE.keys())
async def test_what_can_be_read_in_one_way_is_answered_once(entrance: Front, seen: Seen, sent: str) -> None:
    answers = await exchange(entrance.port, sent)
    assert len(answers) == len(seen()) == 1
    assert "/v1.0/smuggled" not in seen()


async def test_requests_in_a_row_are_answered_in_a_row(entrance: Front, seen: Seen) -> None:
    first = f"GET /api HTTP/1.1\r\n{HOST}\r\n"
    signing_in = f"{POST}{HOST}{JSON}Content-Length: 2\r\n\r\n{{}}"
    answers = await exchange(entrance.port, first + signing_in + ONCE["a request"])
    assert [answer.status for answer in answers] == [200, 400, 200]
    assert seen() == ["/", "/v1.0/session", "/"]


async def test_what_comes_behind_a_refused_request_is_not_read(entrance: Front, seen: Seen) -> None:
    (answer,) = await exchange(entrance.port, REFUSED["no host"].replace("Connection: close\r\n", "") + INNER)
    assert answer.status == 400
    assert seen() == []
