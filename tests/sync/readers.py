"""Readers that remember all they are shown, and the check that they were shown the same, once, in order."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from tests.realtime.wire import Wire


class Anomaly(AssertionError):
    """What a reader saw is not the log. The message names the kind, as Jepsen does."""


class Reader:
    """A client as the SDKs are: it applies what it is sent in order, and recovers from its last position."""

    def __init__(self, token: str, room_id: int) -> None:
        self.token = token
        self.room_id = room_id
        self.seen: list[tuple[int, Any]] = []  # position and body, in the order in which they came
        self.first = 0  # the position at which it began to listen
        self.recoveries = 0
        self._epoch = ""
        self._wire: Wire | None = None
        self._counted = 0

    @property
    def offset(self) -> int:
        return self.seen[-1][0] if self.seen else self.first

    async def come_back(self, port: int) -> None:
        await self.lose()
        channel = f"room:{self.room_id}"
        self._wire = await Wire.open(port)
        position = {"recover": True, "offset": self.offset, "epoch": self._epoch}
        result = await self._wire.connect(self.token, subs={channel: position} if self._epoch else {})
        sub = result["subs"][channel]
        if not self._epoch:
            self._epoch, self.first = sub["epoch"], sub["offset"]
            return
        if not sub["recovered"]:
            raise Anomaly(f"unrecovered: {sub}")
        self.recoveries += 1
        self._take(sub.get("publications", []))
        if self.offset != sub["offset"]:
            raise Anomaly(f"poll-skip: recovered up to {self.offset}, told to be at {sub['offset']}")

    async def lose(self) -> None:
        """The connection breaks; what had arrived by then was seen."""
        if self._wire is None:
            return
        wire, self._wire = self._wire, None
        with suppress(OSError):
            await wire.vanish()
        self._take(wire.of(self.room_id))

    async def reaches(self, offset: int) -> None:
        """Waits until it has been shown this position or a later one."""
        wire = self._wire
        assert wire is not None
        if self.offset < offset:
            await wire.hears(lambda: any(seq >= offset for seq in wire.offsets(self.room_id)))

    def _take(self, publications: Iterable[Mapping[str, Any]]) -> None:
        self.seen += [(pub["offset"], pub["data"]["body"]) for pub in publications]


def check_sequences(readers: Iterable[Reader], log: Mapping[int, Any], head: int) -> None:
    """Raises Anomaly unless each reader saw the log from its first position to `head`: whole, once, in order."""
    for reader in readers:
        last = reader.first
        for offset, body in reader.seen:
            if offset <= last:
                raise Anomaly(f"duplicate or nonmonotonic: {offset} after {last}")
            if offset > last + 1:
                raise Anomaly(f"poll-skip: {offset} after {last}")
            if log.get(offset, body) != body:
                raise Anomaly(f"inconsistent: {body!r} at {offset}, where the log has {log[offset]!r}")
            last = offset
        if last < head:
            raise Anomaly(f"unseen: ends at {last}, the log at {head}")
