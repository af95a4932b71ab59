"""The first protocol of every connection: looks what it is for, and gives it to whom it is for.

A handshake that comes whole is answered right here, without anything that HTTP needs. Everything else goes to Sanic as
if we had never been there: requests, heads that come in pieces, and those who say nothing yet.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from folkmoot.realtime.door import HEAD_BYTES, Door
from folkmoot.realtime.handshake import Handshake, Refused, read_handshake

_SILENT_S = 1.0


class Porch(asyncio.Protocol):
    __slots__ = ("_door", "_http", "_peer", "_received", "_task", "_timer", "_transport", "_turn", "_waits")

    def __init__(self, door: Door, http: Callable[[], asyncio.Protocol], peer: str) -> None:
        self._door = door
        self._peer = peer
        self._http = http
        self._received = b""
        self._waits = False  # for our answer
        self._turn: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(_SILENT_S, self._give_to_http)
        if self._door.has_place(self._transport):
            self._door.silent[self._transport] = self._give_to_http
        else:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        if self._waits:
            self._take_more(data)
            return
        if self._transport.is_closing():
            return
        self._spoke()
        if not self._door.wants(data) or data.find(b"\r\n\r\n", 0, HEAD_BYTES) < 0:
            self._give_to_http(data)
            return
        self._waits, self._received = True, data
        self._door.waiting.add(self._transport)
        self._door.heads.add(self._look)  # thousands may have spoken in this turn of the loop

    def connection_lost(self, exc: Exception | None) -> None:
        self._spoke()
        self._leave_line()
        if self._task is not None:
            self._task.cancel()

    def _look(self) -> None:
        if self._transport.is_closing():
            return
        head, _, rest = self._received.partition(b"\r\n\r\n")
        try:
            self._turn = self._door.stand_in_line()
            handshake = read_handshake(head, self._peer)
        except Refused as refused:
            self._refuse(refused)
            return
        if handshake is None:
            self._give_to_http(self._received)
            return
        self._received = rest
        self._turn.add_done_callback(partial(self._come_in, handshake))

    def _come_in(self, handshake: Handshake, turn: asyncio.Future[None]) -> None:
        if turn.cancelled():
            return
        if isinstance(refused := turn.exception(), Refused):
            self._refuse(refused)
        else:
            self._task = self._door.answer(self._answer(handshake))

    async def _answer(self, handshake: Handshake) -> None:
        try:
            receiver = await self._door.admit(handshake)
        except Refused as refused:
            self._refuse(refused)
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        else:
            self._leave_line()
            if not self._transport.is_closing():
                self._door.hand_over(self._transport, handshake, receiver, self._received)

    def _take_more(self, data: bytes) -> None:
        """Whoever does not wait for our answer is not to fill our memory."""
        self._received += data
        if len(self._received) >= HEAD_BYTES:
            self._transport.pause_reading()

    def _refuse(self, refused: Refused) -> None:
        self._leave_line()
        self._door.refuse(self._transport, refused)
        self._transport.close()

    def _spoke(self) -> None:
        self._timer.cancel()
        self._door.silent.pop(self._transport, None)

    def _leave_line(self) -> None:
        self._door.waiting.discard(self._transport)
        if self._turn is not None:
            self._turn.cancel()

    def _give_to_http(self, data: bytes = b"") -> None:
        self._spoke()
        self._leave_line()
        http = self._http()
        self._transport.set_protocol(http)
        http.connection_made(self._transport)
        if data:
            http.data_received(data)
