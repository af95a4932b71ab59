"""One stream of the log of one room: gapless, each position once, and never more in memory than a bound.

It listens to the room's channel as sockets do. A reader that is too slow for that is neither waited for nor sent away:
what waited for it is dropped, and it reads on in the log, a page whenever it has taken the last, until the end.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Protocol

from folkmoot.actions import Caller
from folkmoot.errors import Error, Forbidden, NotFound, Unavailable
from folkmoot.events.event import Event
from folkmoot.realtime import codes
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import Position
from folkmoot.realtime.codes import Close
from folkmoot.realtime.hub import Hub
from folkmoot.rpc.events import Frames, Told, beginning, events_in, told
from folkmoot.rpc.metrics import FELL_BEHIND
from folkmoot.rpc.status import OtherLog


class Page(Protocol):
    """A page of the log, as the action gives it."""

    @property
    def events(self) -> list[Event]: ...

    @property
    def epoch(self) -> str: ...

    @property
    def head_seq(self) -> int: ...

    @property
    def more(self) -> bool: ...


ReadAfter = Callable[[int | None], Awaitable[Page]]
"""The page after a position; for None the last one. Whether one may read is found out each time."""


class Subscription:
    fd = -1
    is_clear = False  # there is no descriptor to write to: whoever has something for us calls a method
    is_used = False

    def __init__(
        self,
        hub: Hub,
        broker: Broker,
        frames: Frames,
        *,
        caller: Caller,
        channel: str,
        read: ReadAfter,
        queue_bytes: int,
    ) -> None:
        self.user_id = caller.user_id
        self.session_id = caller.session_id
        self._hub = hub
        self._broker = broker
        self._frames = frames
        self._channel = channel
        self._read = read
        self._queue_bytes = queue_bytes
        self._queue: deque[Told] = deque()
        self._queued_bytes = 0
        self._at = 0  # the last that the reader was told
        self._is_behind = False
        self._why: Error | None = None
        self._news = asyncio.Event()

    async def told(self, offset: int | None, epoch: str) -> AsyncGenerator[bytes, None]:
        """Messages, without end. Raises why it ends."""
        page = await self._read(offset)
        head = max(page.head_seq, *(event.seq for event in page.events), 0)
        if (epoch and epoch != page.epoch) or (offset or 0) > head:
            raise OtherLog("The position is of another log. Start without one.")
        self._at = head if offset is None else offset
        yield beginning(page.epoch, self._at)
        try:
            while True:
                for each in await self._listen():
                    yield self._tell(each)
                while (said := await self._next()) is not None:
                    yield self._tell(said)
                async for each in self._catch_up():
                    yield self._tell(each)
        except NotFound:  # it was there a moment ago
            raise _left() from None
        finally:
            self._hub.exit(self._channel, self)

    def end(self, error: Error) -> None:
        if self._why is None:
            self._why = error
            self._drop()

    # -- listening

    async def _listen(self) -> list[Told]:
        """Hears the channel from now on, if the end of the log is near. Gives what was said up to now."""
        self._drop()
        self._is_behind = False
        self._hub.enter(self._channel, self)
        page = await self._page()
        if page.more:
            self._is_behind = True
            return []
        head = max(page.head_seq, self._at, *(event.seq for event in page.events[-1:]))
        await self._broker.align(self._channel, Position(page.epoch, head))
        if not self._hub.is_entering(self._channel, self):  # taken out meanwhile
            return []
        missed = events_in(self._hub.settle(self._channel, self, head))
        return list(told([*page.events, *missed]))

    async def _next(self) -> Told | None:
        """What was said next; None when the reader was too slow for it."""
        while not self._queue:
            if self._why is not None:
                raise self._why
            if self._is_behind:
                return None
            self._news.clear()
            await self._news.wait()
        each = self._queue.popleft()
        self._queued_bytes -= len(each.encoded)
        return each

    async def _catch_up(self) -> AsyncGenerator[Told, None]:
        """Reads the log up to its end, at the pace of the reader."""
        self._hub.exit(self._channel, self)
        while (page := await self._page()).events:
            for each in told(page.events):
                yield each
            if not page.more:
                return

    async def _page(self) -> Page:
        page = await self._read(self._at)
        if self._why is not None:
            raise self._why
        return page

    def _tell(self, each: Told) -> bytes:
        if self._why is not None:
            raise self._why
        self._at = each.last
        return each.encoded

    def _drop(self) -> None:
        self._queue.clear()
        self._queued_bytes = 0
        self._news.set()

    def _fall_behind(self) -> None:
        FELL_BEHIND.inc()
        self._is_behind = True
        self._drop()

    # -- the hub's side

    @property
    def outlet(self) -> "Subscription":
        return self

    def send(self, frame: bytes) -> None:
        if self._is_behind or self._why is not None:
            return
        for each in self._frames.read(frame):
            self._queue.append(each)
            self._queued_bytes += len(each.encoded)
        if self._queued_bytes > self._queue_bytes:
            self._fall_behind()
        self._news.set()

    def send_ephemeral(self, frame: bytes) -> bool:
        """Nobody says anything on a room's channel that is not kept."""
        return False

    def keep(self, rest: memoryview) -> None:
        raise NotImplementedError  # only who writes to a descriptor has a rest

    def abort(self) -> None:
        raise NotImplementedError  # likewise

    def close(self, close: Close) -> None:
        if close == codes.SLOW:
            self._fall_behind()
        else:
            self.end(Unavailable("The server has lost the thread. Come back with the last offset."))

    def joined(self, channel: str) -> None:
        """We are of one room only."""

    def left(self, channel: str) -> None:
        self.end(_left())


def _left() -> Forbidden:
    return Forbidden("You are not in this room any more.")
