"""The open connections of a node: counting them, sweeping them, and closing them all when it stops."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from math import ceil

from folkmoot.realtime.codes import Close
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.receiver import Limits
from folkmoot.realtime.turns import Turns

_SWEEP_S = 10.0
_DRAIN_STEPS_PER_S = 20
_FREELY_PER_S = 200  # so many may be sent away in a second: fewer need not be spread over the whole time
_FINISH_S = 5.0  # how long a socket may take to answer what it has begun, which is as long as the database may
_DEPARTURES = 64  # in one turn of the loop: when a proxy dies, thousands go at once


class Connections:
    """One for each node. `start` and `stop` belong to the composition root."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.loop = asyncio.get_running_loop()  # kept, because to ask for it is a system call
        self.is_draining = False
        self.opened = 0
        self.closed: Counter[int] = Counter()  # by close code; 0: lost without a close frame
        self.dropped = 0  # ephemeral frames that a slow peer did not get
        self.slowed = 0  # times that a peer was not read from for a while, because it sent more than it may
        self.departures = Turns(_DEPARTURES)
        self._open: set[Connection] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._sweeper: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._open))

    @property
    def queued_bytes(self) -> int:
        return sum(connection.queued_bytes for connection in self._open)

    def add(self, connection: Connection) -> None:
        self.opened += 1
        self._open.add(connection)
        self._none_open.clear()

    def remove(self, connection: Connection, close: Close | None) -> None:
        self.closed[close.code if close else 0] += 1
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()

    def start(self) -> None:
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep(), name="connections-sweep")

    async def drain(self, close: Close, within_s: float) -> None:
        """Lets nobody in any more and closes everybody, in any order and spread over up to `within_s`: not all come
        back at once.

        Each is answered what it has begun. It ends when the last one is gone: at the latest `close_s` after its close
        frame.
        """
        self.is_draining = True
        leaving = random.sample(tuple(self._open), len(self._open))
        spread_s = min(within_s, len(leaving) / _FREELY_PER_S)
        share = ceil(len(leaving) / max(1, spread_s * _DRAIN_STEPS_PER_S)) or 1
        for first in range(0, len(leaving), share):
            if first:
                jitter = random.uniform(0.5, 1.5)  # noqa: S311 - chance, not secrecy
                await asyncio.sleep(spread_s * share / len(leaving) * jitter)
            for connection in leaving[first : first + share]:
                connection.finish(close, _FINISH_S)
        await self._gone(_FINISH_S + self.limits.close_s + 1)

    async def stop(self) -> None:
        """Ends the sweep and whatever is still open."""
        self.is_draining = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
            self._sweeper = None
        await self._gone(0)

    async def _gone(self, patience_s: float) -> None:
        try:
            async with asyncio.timeout(patience_s):
                await self._none_open.wait()
        except TimeoutError:
            for connection in self:
                connection.abort()
            await self._none_open.wait()

    async def _sweep(self) -> None:
        every_s = min(_SWEEP_S, self.limits.idle_s / 4)
        while True:
            await asyncio.sleep(every_s)
            now = self.loop.time()
            for connection in self:
                connection.sweep(now)
