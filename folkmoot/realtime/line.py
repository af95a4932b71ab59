"""The line of clients that come in: a few at a time, in the order they came.

Thousands at once would only make each other wait until all have given up. So each waits twice, and nothing is done for
it meanwhile: outside for its handshake, and inside for its `connect`, which asks the database. Inside goes first.

Whoever stood outside too long is told to come again, while it still listens. Not at once, although it could be known
then: those who are refused at once come again at once, and a server that does nothing but refuse lets nobody in.
"""

import asyncio
import time
from collections import deque
from types import TracebackType

from folkmoot.realtime import protocol
from folkmoot.realtime.handshake import Refused

INSIDE = 32  # `connect`s at a time
A_TURN = 8  # handshakes in one turn of the loop
BREATH_S = 0.002  # between turns
PATIENCE_S = 2.0  # clients give up after three to five seconds
LONGEST_S = 8.0  # nobody stands longer inside, even when nothing moves
MOST = 20_000  # outside
LATER_S = 1

Turn = asyncio.Future[None]


class Line:
    """`await line.come_to_the_door()` before the handshake; `async with line:` around what `connect` does."""

    def __init__(
        self,
        *,
        inside: int = INSIDE,
        most: int = MOST,
        patience_s: float = PATIENCE_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        self._room = inside
        self._free = inside
        self._most = most
        self._patience_s = patience_s
        self._longest_s = longest_s
        self._outside: deque[tuple[Turn, float]] = deque()  # with when they lose patience
        self._inside: deque[Turn] = deque()
        self._opening = False

    def come_to_the_door(self) -> Turn:
        """Is done when it is the caller's turn to shake hands, or with Refused. Whoever cancels it leaves the line."""
        if len(self._outside) >= self._most:
            raise _busy()
        loop = asyncio.get_running_loop()
        turn: Turn = loop.create_future()
        self._outside.append((turn, time.monotonic() + self._patience_s))
        if not self._opening:
            self._opening = True
            loop.call_soon(self._open_the_door)
        return turn

    async def __aenter__(self) -> None:
        """Waits for the caller's turn to connect. Raises a temporary Refusal when it does not come."""
        if self._free > 0:
            self._free -= 1
            return
        turn: Turn = asyncio.get_running_loop().create_future()
        self._inside.append(turn)
        try:
            async with asyncio.timeout(self._longest_s):
                await turn
        except (asyncio.CancelledError, TimeoutError) as why:  # a turn itself only ever comes
            if turn.done() and not turn.cancelled():
                self._next()  # our turn had just come
            if isinstance(why, TimeoutError):
                raise protocol.TooMany from None
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._next()

    def _next(self) -> None:
        while self._inside:
            turn = self._inside.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _open_the_door(self) -> None:
        now, left = time.monotonic(), A_TURN
        while self._outside and left:
            turn, until_s = self._outside[0]
            if turn.done():  # gone
                self._outside.popleft()
                continue
            if until_s <= now:
                turn.set_exception(_busy())
            elif len(self._inside) < self._room:
                turn.set_result(None)
            else:
                break
            self._outside.popleft()
            left -= 1
        self._opening = bool(self._outside)
        if self._opening:
            asyncio.get_running_loop().call_later(BREATH_S, self._open_the_door)


def _busy() -> Refused:
    return Refused(503, "busy", "Too many clients connect at once.", LATER_S)
