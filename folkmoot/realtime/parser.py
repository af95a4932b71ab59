"""picows on a socket: started in the middle of a connection, held to its share, and never hanging up by itself.

This is the only file that knows the insides of picows, whose protocol class is not public: the version is pinned.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict
from picows import WSTransport
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # not public there

from folkmoot.realtime.codes import Close
from folkmoot.realtime.handshake import Handshake

if TYPE_CHECKING:
    from folkmoot.realtime.connection import Connection

# How much is read and handled before anybody else has a turn, so how long a flood can stop the loop.
_READ_BYTES = 16 * 1024
_SEND_BYTES = 128 * 1024  # what the kernel holds for a slow reader; it would take megabytes by itself
_HIGH_WATER_BYTES = 64 * 1024  # waiting in the transport, from which on we do not read from the peer either
_PARSER_BYTES = 2048  # the least that picows takes; it grows with what arrives
_NO_HEADERS: CIMultiDict[str] = CIMultiDict()


def start_parser(transport: asyncio.Transport, connection: "Connection", handshake: Handshake, received: bytes) -> None:
    """Gives the socket to picows. `received` is what came behind the handshake."""
    if transport.get_extra_info("ssl_object") is not None:
        raise RuntimeError("connections write to the descriptor: TLS ends at the proxy")
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
    transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
    transport.pause_reading()
    wire = _Wire(transport, connection)
    parser = _Parser(
        host_port=None,
        ws_path=None,
        is_client_side=False,
        ws_listener_factory=wire,
        logger=wire,
        disconnect_on_exception=True,
        websocket_handshake_timeout=None,
        enable_auto_ping=False,
        auto_ping_idle_timeout=0,
        auto_ping_reply_timeout=0,
        auto_ping_strategy=1,
        enable_auto_pong=False,
        max_frame_size=connection.limits.frame_bytes,
        extra_headers=None,
        read_buffer_init_size=_PARSER_BYTES,
    )
    transport.set_protocol(parser)
    parser.connection_made(wire)
    head = _clean_head(handshake)
    _feed(parser, wire, head)
    _forget_handshake(connection.wire)
    _feed(parser, wire, received)
    connection.start_reading()


def _clean_head(handshake: Handshake) -> bytes:
    """The handshake again, with only what picows looks at, in the one spelling that it takes."""
    return (
        f"GET {handshake.path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {handshake.headers['sec-websocket-key']}\r\n\r\n"
    ).encode()


def _forget_handshake(ws: WSTransport | None) -> None:
    """picows keeps the handshake for its user, who has seen it: a kilobyte a connection."""
    if ws is not None:
        ws.request.headers = ws.response.headers = _NO_HEADERS


class _Parser(WSProtocol):  # type: ignore[misc]  # untyped
    """picows, which takes no more than its share in one turn.

    By itself it reads all that the kernel has, handles every frame in it, and keeps a buffer of that size. A small
    receive buffer in the kernel is no way out: below the segment size of a loopback, TCP stalls.
    """

    __slots__ = ()

    def get_buffer(self, size_hint: int) -> memoryview:
        return WSProtocol.get_buffer(self, size_hint)[:_READ_BYTES]  # type: ignore[no-any-return]

    def buffer_updated(self, size: int) -> None:
        WSProtocol.buffer_updated(self, size)
        self.listener.spend(size)
        if size == _READ_BYTES:  # there is more, which libuv would read at once, dozens of times
            self.listener.give_way()


def _feed(parser: Any, wire: "_Wire", received: bytes) -> None:
    """Gives picows bytes that were read before it came, in pieces that fit its buffer."""
    rest = memoryview(received)
    while rest and not wire.is_broken:
        room = parser.get_buffer(-1)
        size = min(len(room), len(rest))
        room[:size] = rest[:size]
        parser.buffer_updated(size)
        rest = rest[size:]


class _Wire:
    """The transport, the logger, and the maker of the listener as picows has them.

    picows hangs up 10 ms after a violation, and a peer that still sends would then get a reset instead of the
    close frame; so `close` does nothing, and the connection, told through `error`, ends it. Nothing is
    logged: what a client does wrong is no event of ours, and a logger each would cost memory.
    """

    __slots__ = ("_connection", "_transport", "is_broken")

    def __init__(self, transport: asyncio.Transport, connection: "Connection") -> None:
        self._transport = transport
        self._connection = connection
        self.is_broken = False

    def __call__(self, request: object) -> "Connection":
        return self._connection

    def get_extra_info(self, name: str) -> Any:
        """Without the addresses, which picows only wants for its log: uvloop would keep them."""
        return self._transport.get_extra_info(name) if name == "socket" else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        pass

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # the name that logging gave it
        return False

    def info(self, message: str, *details: object) -> None:
        pass

    debug = log = warning = info

    def error(self, message: str, *details: object) -> None:
        """picows calls it for a violation, before it answers; the details are one tuple: code and reason."""
        self.is_broken = True
        code, reason = details[0] if details and isinstance(details[0], tuple) else (1002, "")
        self._connection.parser_failed(Close(int(code), str(reason)))

    exception = error


def close_read_ahead(ws: WSTransport | None) -> bytes | None:
    """The payload of the close frame that picows has read, whether it was handed out or not."""
    if ws is None or ws.close_handshake is None or ws.close_handshake.recv is None:
        return None
    code: int = ws.close_handshake.recv.code  # type: ignore[assignment]  # an IntFlag, declared as an Enum
    if not code:
        return b""
    return code.to_bytes(2, "big") + (ws.close_handshake.recv.reason or "").encode()


class Deaf(asyncio.Protocol):
    """Throws away what a peer still sends, until it hangs up; its parser only hears of the end."""

    __slots__ = ("_parser",)

    def __init__(self, parser: asyncio.BaseProtocol) -> None:
        self._parser = parser

    def connection_lost(self, exc: Exception | None) -> None:
        self._parser.connection_lost(exc)
