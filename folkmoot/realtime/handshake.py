"""The opening handshake (RFC 6455, section 4) as a pure function: the head of a request in, its wish out.

It is strict where requests are smuggled: folded lines, odd names, control characters, and a second copy of a
header that decides something are refused, not repaired.
"""

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

import msgspec

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_TARGET = re.compile(rb"/[\x21\x24-\x7e]*")  # printable, without `"` and the `#` of a fragment
_HEADERS = 100
_ONCE = frozenset(
    {
        "authorization",
        "content-length",
        "host",
        "origin",
        "sec-websocket-key",
        "sec-websocket-version",
        "transfer-encoding",
        "x-real-ip",
    }
)


class Refused(Exception):
    """The handshake is not answered with 101, but with this (RFC 9457)."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.headers = headers or {}
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a valid request for an upgrade says. Who sends it, and from where, is for the gate to judge."""

    path: str
    query: str
    headers: Mapping[str, str]  # by lower-case name; repeated ones are joined, those that decide come once
    peer: str  # the address at the other end of the socket, which may be a proxy's


def read_handshake(head: bytes, peer: str) -> Handshake | None:
    """Reads the head of a GET request, without its last blank line. None: a plain request, not an upgrade."""
    request_line, *lines = head.split(b"\r\n")
    method, _, rest = request_line.partition(b" ")
    target, _, version = rest.partition(b" ")
    if method != b"GET" or not _TARGET.fullmatch(target) or not re.fullmatch(rb"HTTP/\d\.\d", version):
        raise _bad("the request line cannot be read")
    headers = _read_headers(lines)
    if "websocket" not in _tokens(headers.get("upgrade", "")):
        return None
    _check_upgrade(headers, version)
    path, _, query = target.decode("ascii").partition("?")
    return Handshake(path, query, headers, peer)


def problem(refused: Refused) -> bytes:
    """The whole answer to a refused handshake."""
    phrase = HTTPStatus(refused.status).phrase
    body = msgspec.json.encode(
        {
            "type": f"urn:folkmoot:error:{refused.code}",
            "title": phrase,
            "status": refused.status,
            "detail": refused.detail,
            "code": refused.code,
            "request_id": uuid4().hex,
        }
    )
    headers = {
        **refused.headers,
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Connection": "close",
    }
    if refused.retry_after_s is not None:
        headers["Retry-After"] = str(refused.retry_after_s)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {refused.status} {phrase}\r\n{lines}\r\n".encode() + body


def _read_headers(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > _HEADERS:
        raise Refused(431, "head_too_large", "The request has too many headers.")
    headers: dict[str, str] = {}
    for line in lines:
        raw_name, colon, raw_value = line.partition(b":")
        value = raw_value.strip(b" \t")
        if not colon or not _NAME.fullmatch(raw_name) or _CONTROL.search(value):
            raise _bad("a header cannot be read")
        name = raw_name.decode("ascii").lower()
        if name not in headers:
            headers[name] = value.decode("latin-1")
        elif name in _ONCE:
            raise _bad(f"the header {name} came twice")
        else:
            headers[name] += ("; " if name == "cookie" else ", ") + value.decode("latin-1")
    return headers


def _check_upgrade(headers: dict[str, str], version: bytes) -> None:
    if version != b"HTTP/1.1":
        raise _bad("an upgrade needs HTTP/1.1")
    if not headers.get("host"):
        raise _bad("the header host is missing")
    if "upgrade" not in _tokens(headers.get("connection", "")):
        raise _bad("the header connection does not say upgrade")
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise _bad("an upgrade has no body")
    if headers.get("sec-websocket-version") != "13":
        raise Refused(
            426,
            "websocket_version",
            "This server speaks version 13 of the WebSocket protocol.",
            headers={"Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
        )
    if not _is_key(headers.get("sec-websocket-key", "")):
        raise _bad("the header sec-websocket-key is not 16 bytes in base64")


def _is_key(key: str) -> bool:
    try:
        return len(key) == 24 and len(b64decode(key, validate=True)) == 16
    except (BadBase64, ValueError):
        return False


def _tokens(value: str) -> list[str]:
    return [token.strip(" \t").lower() for token in value.split(",")]


def _bad(what: str) -> Refused:
    return Refused(400, "bad_request", f"{what[0].upper()}{what[1:]}.")
