"""What was said last in channels whose clients come back: read and encoded once, however many ask for it.

A position that was just read from the log says which entries are wanted, so that what is kept is never taken for the
end of a channel; and whether somebody may have them was decided before anybody asks here.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from folkmoot.realtime.channels import LoggedNamespace, Position, Publication

KEPT_S = 10.0  # a storm is over sooner, and what a name was then is not told for longer
MOST_BYTES = 8 << 20


@dataclass(slots=True)
class Run:
    """Entries of one channel without a gap: those after `start`."""

    epoch: str
    start: int
    entries: list[Publication]
    size_bytes: int
    until_s: float

    @property
    def end(self) -> int:
        return self.start + len(self.entries)


class Recent:
    """One for each node."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._size_bytes = 0
        self._reading: dict[str, asyncio.Lock] = {}

    async def between(
        self, namespace: LoggedNamespace, channel: str, after: int, position: Position
    ) -> Sequence[Publication] | None:
        """The entries past `after` up to the position; None when the log does not have all of them."""
        if (known := self._known(channel, after, position)) is not None:
            return known
        lock = self._reading.setdefault(channel, asyncio.Lock())
        try:
            async with lock:
                if (known := self._known(channel, after, position)) is not None:
                    return known  # somebody else has read them meanwhile
                return await self._read(namespace, channel, after, position)
        finally:
            if not lock.locked() and self._reading.get(channel) is lock:
                del self._reading[channel]

    async def _read(
        self, namespace: LoggedNamespace, channel: str, after: int, position: Position
    ) -> Sequence[Publication] | None:
        run = self._runs.get(channel)
        if run is None or not self._holds(run, position.epoch) or not run.start <= after <= run.end:
            run = Run(position.epoch, after, [], 0, time.monotonic() + KEPT_S)
        missing = position.offset - run.end
        found = await namespace.after(channel, run.end, missing)
        if len(found) != missing or found[-1].offset != position.offset:
            return None
        entries = [*run.entries, *found]
        size_bytes = run.size_bytes + sum(len(entry.encoded) for entry in found)
        self._keep(channel, Run(run.epoch, run.start, entries, size_bytes, run.until_s))
        return entries[after - run.start :]

    def _known(self, channel: str, after: int, position: Position) -> Sequence[Publication] | None:
        run = self._runs.get(channel)
        if run is None or not self._holds(run, position.epoch):
            return None
        if not run.start <= after <= position.offset <= run.end:
            return None
        return run.entries[after - run.start : position.offset - run.start]

    @staticmethod
    def _holds(run: Run, epoch: str) -> bool:
        return run.epoch == epoch and time.monotonic() < run.until_s

    def _keep(self, channel: str, run: Run) -> None:
        if old := self._runs.pop(channel, None):
            self._size_bytes -= old.size_bytes
        self._runs[channel] = run
        self._size_bytes += run.size_bytes
        while self._size_bytes > self._most_bytes:
            _, oldest = self._runs.popitem(last=False)
            self._size_bytes -= oldest.size_bytes
