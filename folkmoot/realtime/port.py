"""One port for HTTP and WebSocket: a request for an upgrade goes to picows, every other one stays with Sanic.

At the start of each request Sanic's reader looks whether it is for one of our paths. Sanic's own framing thus
says where a request begins, so neither a body nor a pipelined request is ever mistaken for a handshake. The
handshake runs in the task that Sanic gave the connection; when it succeeds, the socket is taken out of
Sanic's hands, and that task ends. See docs/decisions/0001-one-port.md.

This is the only file that knows the insides of Sanic's protocol; those of picows are in `parser.py`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import ClassVar, cast

from sanic.http import Http
from sanic.models.server_types import ConnInfo
from sanic.server.protocols.http_protocol import HttpProtocol

from folkmoot.descriptors import for_clients
from folkmoot.realtime.connection import Connection, Limits, Receiver
from folkmoot.realtime.connections import Connections
from folkmoot.realtime.handshake import Handshake, Refused, problem, read_handshake
from folkmoot.realtime.parser import start_parser

__all__ = ["Connections", "Door", "Gate", "Handshake", "Limits", "Receiver", "Refused", "port_class"]

log = logging.getLogger(__name__)

Gate = Callable[[Handshake], Awaitable[Receiver]]
"""Decides who comes in: answers with what will sit on the connection, or raises Refused."""

HEAD_BYTES = 16 * 1024

_LATER_S = 1
_FULL = problem(Refused(503, "busy", "All places are taken. Try again in a moment.", _LATER_S))


class Door:
    """What the port of one node knows: which paths are WebSockets, and who lets clients in."""

    def __init__(
        self,
        gate: Gate,
        paths: frozenset[str],
        connections: Connections,
        *,
        handshakes: int = 512,  # at the gate at once
        gate_s: float = 10.0,
        head_s: float = 10.0,  # how long the head of a request may take
    ) -> None:
        self.connections = connections
        self.head_s = head_s
        self.at_the_gate = 0
        self.descriptors = for_clients()
        self.refused: Counter[str] = Counter()  # by code
        self._gate = gate
        self._gate_s = gate_s
        self._handshakes = handshakes
        self._starts = tuple(f"GET {path}{end}".encode() for path in sorted(paths) for end in " ?")
        self._longest = max(map(len, self._starts))

    def wants(self, received: bytearray) -> bool:
        """Whether a request that starts like this is, or may still become, one for our paths."""
        if len(received) >= self._longest:
            return received.startswith(self._starts)
        return any(start.startswith(received[: len(start)]) for start in self._starts)

    async def admit(self, handshake: Handshake) -> Receiver:
        """Asks the gate, with a limit on how long and on how many at once."""
        if self.at_the_gate >= self._handshakes:
            raise Refused(503, "busy", "Too many clients connect at once.", _LATER_S)
        self.at_the_gate += 1
        try:
            async with asyncio.timeout(self._gate_s):
                receiver = await self._gate(handshake)
        except Refused:
            raise
        except TimeoutError:
            raise Refused(503, "unavailable", "The server cannot answer right now.", _LATER_S) from None
        except Exception:
            log.exception("The gate failed")
            raise Refused(500, "internal", "Something went wrong on the server.") from None
        finally:
            self.at_the_gate -= 1
        if self.connections.is_draining:
            raise Refused(503, "unavailable", "The server is stopping.", _LATER_S)
        return receiver


class _Left(BaseException):
    """Ends Sanic's work on a connection that left it. Not an Exception: nothing on the way may handle it."""


class _Http(Http):
    """Sanic's reader of requests, which looks for a handshake before it reads one."""

    async def http1(self) -> None:
        with suppress(_Left):
            await super().http1()  # type: ignore[no-untyped-call]  # Sanic

    async def http1_request_header(self) -> None:
        port = cast("Port", self.protocol)
        if port.door.wants(self.recv_buffer):
            await port.answer_door()
        await super().http1_request_header()  # type: ignore[no-untyped-call]  # Sanic


class Port(HttpProtocol):
    """Sanic's protocol, which gives WebSockets away."""

    HTTP_CLASS = _Http
    door: ClassVar[Door]
    conn_info: ConnInfo  # these two are there before Sanic's task starts, so before every use here
    transport: asyncio.Transport
    __slots__ = ()

    def end_after_answer(self) -> None:
        """The answer that is being made is the last one here, and says so."""
        if self._http is not None:
            self._http.keep_alive = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # Sanic
        super().connection_made(transport)  # type: ignore[no-untyped-call]  # Sanic
        if transport.get_extra_info("socket").fileno() >= self.door.descriptors:
            self.door.refused["busy"] += 1
            transport.write(_FULL)
            self.close()

    async def answer_door(self) -> None:
        """Returns when the request is a plain one, for Sanic; else does all there is to do, raises _Left."""
        try:
            handshake = await self._handshake()
            if handshake is None:
                return
            receiver = await self.door.admit(handshake)
        except Refused as refused:
            self._refuse(refused)
            raise _Left from None
        except asyncio.CancelledError:
            if self.conn_info.lost:
                raise _Left from None
            raise
        self._hand_over(handshake, receiver)
        raise _Left

    async def _handshake(self) -> Handshake | None:
        head = await self._head()
        return None if head is None else read_handshake(head, self.conn_info.client_ip)

    async def _head(self) -> bytes | None:
        """The head of the request as far as its blank line; None: it is not for us after all."""
        received = self.recv_buffer
        try:
            async with asyncio.timeout(self.door.head_s):
                while (end := received.find(b"\r\n\r\n", 0, HEAD_BYTES)) < 0:
                    if len(received) >= HEAD_BYTES:
                        raise Refused(431, "head_too_large", "The head of the request is too large.")
                    await self.receive_more()  # type: ignore[no-untyped-call]  # Sanic
                    if not self.door.wants(received):
                        return None
        except TimeoutError:
            raise Refused(408, "timeout", "The head of the request did not arrive in time.") from None
        return bytes(received[:end])

    def _refuse(self, refused: Refused) -> None:
        self.door.refused[refused.code] += 1
        self._http.upgrade_websocket = True  # keeps Sanic from logging a request that it did not see
        self.transport.write(problem(refused))

    def _hand_over(self, handshake: Handshake, receiver: Receiver) -> None:
        transport = self.transport
        received = bytes(self.recv_buffer)
        self._let_go()
        if transport.is_closing():
            return
        try:
            connection = Connection(receiver, transport, self.door.connections)
            start_parser(transport, connection, handshake, received[received.index(b"\r\n\r\n") + 4 :])
        except Exception:
            log.exception("A socket could not be handed over")
            transport.abort()

    def _let_go(self) -> None:
        """Takes the socket out of Sanic's hands: without a transport, the end of its task closes nothing."""
        self.transport = None  # type: ignore[assignment]  # Sanic's way to say so
        self.connections.discard(self)
        if self._callback_check_timeouts is not None:
            self._callback_check_timeouts.cancel()


def port_class(door: Door) -> type[Port]:
    """The class for `app.create_server(protocol=...)`. Each node has its own, so two live in one process."""
    return type("NodePort", (Port,), {"__slots__": (), "door": door})
