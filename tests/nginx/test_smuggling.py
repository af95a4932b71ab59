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


REFUSED = {
    "no host": f"GET /api HTTP/1.1\r\n{END}",
    "two hosts": f"GET /api HTTP/1.1\r\n{HOST}Host: evil.test\r\n{END}",
    "the same host twice": f"GET /api HTTP/1.1\r\n{HOST}{HOST}{END}",
    "a host with a space before the colon": f"GET /api HTTP/1.1\r\nHost : chat.test\r\n{END}",
    "a host of two lines": f"GET /api HTTP/1.1\r\nHost:\r\n chat.test\r\n{END}",
    "a host in the line and another in the head": f"GET http://evil.test/api HTTP/1.1\r\n{HOST}{END}",
    "a host with a path": f"GET /api HTTP/1.1\r\nHost: chat.test/evil\r\n{END}",
    "an empty host": f"GET /api HTTP/1.1\r\nHost:\r\n{END}",
    "a length and chunks": f"{POST}{HOST}{JSON}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n{chunked('0')}{INNER}",
    "two lengths": f"{POST}{HOST}{JSON}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{{}}{INNER}",
    "a length twice": f"{POST}{HOST}{JSON}Content-Length: 2, 2\r\n\r\n{{}}{INNER}",
    "a length with a sign": f"{POST}{HOST}{JSON}Content-Length: +2\r\n\r\n{{}}{INNER}",
    "a length in hexadecimal": f"{POST}{HOST}{JSON}Content-Length: 0x2\r\n\r\n{{}}{INNER}",
    "a negative length": f"{POST}{HOST}{JSON}Content-Length: -2\r\n\r\n{{}}{INNER}",
    "a length with a space before the colon": f"{POST}{HOST}{JSON}Content-Length : 2\r\n\r\n{{}}{INNER}",
    "a chunk's size with 0x": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunked('0x2')}{INNER}",
    "a chunk's size with a sign": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunked('+2')}{INNER}",
    "a chunk's size with an underscore": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunked('0_2')}{INNER}",
    "a chunk's size that overflows": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunked('1' + '0' * 16)}{INNER}",
    "a chunk longer than it says": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunked('1')}{INNER}",
    "chunks in HTTP/1.0": f"POST /api/v1.0/session HTTP/1.0\r\n{HOST}{JSON}Transfer-Encoding: chunked\r\n\r\n{chunked('2')}",
    "chunks by another name": f"{POST}{HOST}{JSON}Transfer-Encoding: xchunked\r\n\r\n{chunked('2')}",
    "chunks with a vertical tab": f"{POST}{HOST}{JSON}Transfer-Encoding: \x0bchunked\r\n\r\n{chunked('2')}",
    "chunks twice": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunked('2')}",
    "chunks and identity": f"{POST}{HOST}{JSON}Transfer-Encoding: chunked, identity\r\n\r\n{chunked('2')}",
    "chunks with a space before the colon": f"{POST}{HOST}{JSON}Transfer-Encoding : chunked\r\n\r\n{chunked('2')}",
    "chunks in a folded line": f"{POST}{HOST}{JSON}Transfer-Encoding:\r\n chunked\r\n\r\n{chunked('2')}",
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
    "an upgrade with a body": f"GET /ws HTTP/1.1\r\n{HOST}{UPGRADE}Content-Length: {len(INNER)}\r\n\r\n{INNER}",
    "an upgrade with chunks": f"GET /ws HTTP/1.1\r\n{HOST}{UPGRADE}Transfer-Encoding: chunked\r\n\r\n{chunked('2')}",
    "an upgrade of the Centrifuge address with a body": f"GET /connection/websocket HTTP/1.1\r\n{HOST}{UPGRADE}Content-Length: 5\r\n\r\nhello",
}
ONCE = {
    "a header without a colon": f"GET /api HTTP/1.1\r\n{HOST}nonsense\r\n{END}",
    "a request": f"GET /api HTTP/1.1\r\n{HOST}{END}",
    "an honest one with chunks": f"{POST}{HOST}{JSON}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunked('2')}",
    "lines that end with a line feed alone": "GET /api HTTP/1.1\nHost: chat.test\nConnection: close\n\n",
    "an upgrade to HTTP/2": f"GET /api HTTP/1.1\r\n{HOST}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "an upgrade where there is no socket": f"GET /api HTTP/1.1\r\n{HOST}Connection: close, Upgrade\r\nUpgrade: websocket\r\n{KEY}\r\n",
    "a body with GET": f"GET /api HTTP/1.1\r\n{HOST}Content-Length: {len(INNER)}\r\n{END}{INNER}",
    "a chunk with an extension": f"{POST}{HOST}{JSON}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunked('2;a=b')}",
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
