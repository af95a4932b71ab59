"""One port for HTTP and WebSocket: a request for an upgrade goes to picows, every other one stays with Sanic.

At the start of each request Sanic's reader looks whether it is for one of our paths. Sanic's own framing thus
says where a request begins, so neither a body nor a pipelined request is ever mistaken for a handshake. The
handshake runs in the task that Sanic gave the connection; when it succeeds, the socket is taken out of
Sanic's hands, and that task ends. See docs/decisions/0001-one-port.md.

This is the only file that knows the insides of Sanic's protocol; those of picows are in `parser.py`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, cast

from sanic import Sanic
from sanic.http import Http, Stage
from sanic.models.server_types import ConnInfo
from sanic.server.protocols.http_protocol import HttpProtocol

from folkmoot.realtime.connections import Connections
from folkmoot.realtime.door import HEAD_BYTES, Door, Gate
from folkmoot.realtime.handshake import Handshake, Refused, read_handshake
from folkmoot.realtime.porch import Porch
from folkmoot.realtime.receiver import Limits, Receiver

__all__ = ["Connections", "Door", "Gate", "Handshake", "Limits", "Receiver", "Refused", "protocols"]


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

    def data_received(self, data: bytes) -> None:
        """Sanic starts its clock anew with each byte, so that one now and then would keep a request alive for ever."""
        began = self._time
        super().data_received(data)
        http = getattr(self, "_http", None)  # the first bytes may be here before Sanic's task
        if http is not None and http.stage is not Stage.IDLE:
            self._time = began

    async def answer_door(self) -> None:
        """Returns when the request is a plain one, for Sanic; else does all there is to do, raises _Left."""
        try:
            handshake = await self._handshake()
            if handshake is None:
                return
            await self.door.stand_in_line()
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
        self._http.upgrade_websocket = True  # keeps Sanic from logging a request that it did not see
        self.door.refuse(self.transport, refused)

    def _hand_over(self, handshake: Handshake, receiver: Receiver) -> None:
        transport = self.transport
        received = bytes(self.recv_buffer)
        self._let_go()
        if not transport.is_closing():
            self.door.hand_over(transport, handshake, receiver, received[received.index(b"\r\n\r\n") + 4 :])

    def _let_go(self) -> None:
        """Takes the socket out of Sanic's hands: without a transport, the end of its task closes nothing."""
        self.transport = None  # type: ignore[assignment]  # Sanic's way to say so
        self.connections.discard(self)
        if self._callback_check_timeouts is not None:
            self._callback_check_timeouts.cancel()


def protocols(door: Door, app: "Sanic[Any, Any]", connections: set[HttpProtocol]) -> Callable[[str], asyncio.Protocol]:
    """What makes the first protocol of a connection from an address. `connections` are those that Sanic has."""
    # A class for each node, so that two live in one process.
    port = type("NodePort", (Port,), {"__slots__": (), "door": door})
    http = partial(port, loop=asyncio.get_running_loop(), app=app, connections=connections)
    return partial(Porch, door, http)
