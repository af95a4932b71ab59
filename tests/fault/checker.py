"""Judges a history by what was promised: each acknowledged message is there once, for everybody, at one place.

The anomalies have the names that Jepsen gives them where it has one:

lost-write            acknowledged, and not in the log when all was over
unseen                acknowledged and in the log, but a reader that had time to catch up was never shown it
duplicate             one message at two places of the log
inconsistent-offsets  two messages at one place: for two readers, or for a reader and whoever sent it
gap                   a place of the log that is empty, below one that is not
poll-skip             a reader was shown a later event without the ones before it
nonmonotonic-poll     a reader was shown an event again, or an earlier one after a later one
nonmonotonic-send     sent after another one was acknowledged, or after it on the same connection, and stored before it
aborted-read          refused for good, and seen all the same
stale                 shown to a reader later after its acknowledgement than the run allows
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from tests.fault.history import Entry

BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 10.0, 45.0, inf)
EXAMPLES = 5  # of each anomaly in a printed report


@dataclass(frozen=True, slots=True)
class Anomaly:
    name: str
    detail: str


@dataclass(slots=True)
class Report:
    """The judgement over one history."""

    anomalies: list[Anomaly]
    acknowledged: int
    unknown: int  # sends whose outcome nobody ever learnt
    refused: int
    shown: int
    send_s: list[float]  # from the first try of each message to its acknowledgement, sorted
    lag_s: list[float]  # from an acknowledgement to each time that the message was shown, sorted

    @property
    def names(self) -> Counter[str]:
        return Counter(anomaly.name for anomaly in self.anomalies)

    def __str__(self) -> str:
        found = [f"  {name}: {count}" for name, count in sorted(self.names.items())]
        found += [f"    {anomaly.name}: {anomaly.detail}" for name in self.names for anomaly in self._examples(name)]
        return "\n".join(
            [
                f"{self.acknowledged} messages acknowledged, {self.refused} refused, {self.unknown} unknown; "
                f"{self.shown} events shown",
                f"  send: {spread(self.send_s)}",
                f"  shown after the acknowledgement: {spread(self.lag_s)}",
                f"  {histogram(self.lag_s)}",
                *(["ANOMALIES", *found] if found else ["no anomaly"]),
            ]
        )

    def _examples(self, name: str) -> list[Anomaly]:
        return [anomaly for anomaly in self.anomalies if anomaly.name == name][:EXAMPLES]


@dataclass(slots=True)
class Send:
    """All that is known of one message."""

    process: str
    room: int
    invoked_at: float
    lines: list[str]
    ok_at: float = inf
    failed: bool = False
    offsets: set[int] = field(default_factory=set)  # where its senders were told that it is

    @property
    def acknowledged(self) -> bool:
        return self.ok_at < inf


Rooms = dict[int, dict[int, set[str]]]  # room → offset → the messages that somebody saw there


class Facts:
    """A history, sorted by what the questions need."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.sends: dict[str, Send] = {}
        self.readers: dict[tuple[str, int], list[Entry]] = defaultdict(list)
        self.drained: Rooms = defaultdict(lambda: defaultdict(set))
        self.seen: Rooms = defaultdict(lambda: defaultdict(set))
        self.shown = 0
        for entry in entries:
            if entry.act == "send":
                self._note_send(entry)
            elif entry.offset is not None:
                self._note_sight(entry, entry.offset)

    def places(self, seen: Rooms) -> dict[str, set[int]]:
        """Where each message was seen."""
        found: dict[str, set[int]] = defaultdict(set)
        for offsets in seen.values():
            for offset, keys in offsets.items():
                for key in keys:
                    found[key].add(offset)
        return found

    def _note_send(self, entry: Entry) -> None:
        if entry.kind == "invoke":
            send = self.sends.setdefault(entry.key, Send(entry.process, entry.room, entry.at, []))
            send.lines.append(entry.line)
            return
        send = self.sends[entry.key]
        if entry.kind == "ok":
            send.ok_at = min(send.ok_at, entry.at)
            if entry.offset is not None:
                send.offsets.add(entry.offset)
        elif entry.kind == "fail":
            send.failed = True

    def _note_sight(self, entry: Entry, offset: int) -> None:
        if entry.act != "seek":
            self.seen[entry.room][offset].add(entry.key)
        if entry.act == "drain":
            self.drained[entry.room][offset].add(entry.key)
        else:
            self.readers[entry.process, entry.room].append(entry)
            self.shown += entry.act == "poll"


def check(entries: Sequence[Entry], *, stale_s: float = inf) -> Report:
    """Every history must end with a drain of its rooms: without it nothing can be said to be there."""
    facts = Facts(entries)
    in_log, seen = facts.places(facts.drained), facts.places(facts.seen)
    lags = sorted(_lags(facts))
    anomalies = [
        *_lost(facts, in_log),
        *_unseen(facts, in_log),
        *_duplicates(seen),
        *_inconsistent(facts, seen),
        *_gaps(facts),
        *_polls(facts),
        *_sends_out_of_order(facts, in_log),
        *_aborted(facts, seen),
        *(Anomaly("stale", f"shown {lag:.1f} s after its acknowledgement") for lag in lags if lag > stale_s),
    ]
    sends = facts.sends.values()
    return Report(
        anomalies,
        acknowledged=sum(send.acknowledged for send in sends),
        unknown=sum(not send.acknowledged and not send.failed for send in sends),
        refused=sum(send.failed and not send.acknowledged for send in sends),
        shown=facts.shown,
        send_s=sorted(send.ok_at - send.invoked_at for send in sends if send.acknowledged),
        lag_s=lags,
    )


def _lost(facts: Facts, in_log: dict[str, set[int]]) -> Iterator[Anomaly]:
    for key, send in facts.sends.items():
        if send.acknowledged and key not in in_log:
            yield Anomaly("lost-write", f"{key} of {send.process}, at {sorted(send.offsets)}")


def _unseen(facts: Facts, in_log: dict[str, set[int]]) -> Iterator[Anomaly]:
    for (process, room), entries in facts.readers.items():
        last = max(entry.offset or 0 for entry in entries)
        for offset, keys in sorted(facts.drained[room].items()):
            if offset > last and any(key in facts.sends and facts.sends[key].acknowledged for key in keys):
                yield Anomaly("unseen", f"{process} ends at {last} of room {room} and was never shown {offset}")


def _duplicates(seen: dict[str, set[int]]) -> Iterator[Anomaly]:
    for key, offsets in seen.items():
        if len(offsets) > 1:
            yield Anomaly("duplicate", f"{key} at {sorted(offsets)}")


def _inconsistent(facts: Facts, seen: dict[str, set[int]]) -> Iterator[Anomaly]:
    for room, offsets in facts.seen.items():
        for offset, keys in offsets.items():
            if len(keys) > 1:
                yield Anomaly("inconsistent-offsets", f"{offset} of room {room} is {' and '.join(sorted(keys))}")
    for key, send in facts.sends.items():
        if len(send.offsets | seen.get(key, set())) > len(seen.get(key, send.offsets)):
            yield Anomaly("inconsistent-offsets", f"{key} is at {seen.get(key)}, its sender heard {send.offsets}")


def _gaps(facts: Facts) -> Iterator[Anomaly]:
    for room, offsets in facts.drained.items():
        for offset in sorted(set(range(1, max(offsets))) - set(offsets)):
            yield Anomaly("gap", f"{offset} of room {room} is empty")


def _polls(facts: Facts) -> Iterator[Anomaly]:
    for (process, room), entries in facts.readers.items():
        known, last = facts.seen[room], None
        for entry in entries:
            offset = entry.offset or 0
            if entry.act == "poll" and last is not None:
                if offset <= last:
                    yield Anomaly("nonmonotonic-poll", f"{process} was shown {offset} of room {room} after {last}")
                elif skipped := [missed for missed in range(last + 1, offset) if missed in known]:
                    yield Anomaly("poll-skip", f"{process} was shown {offset} of room {room} without {skipped[:20]}")
            last = offset


def _sends_out_of_order(facts: Facts, in_log: dict[str, set[int]]) -> Iterator[Anomaly]:
    by_room: dict[int, list[tuple[Send, str, int]]] = defaultdict(list)
    for key, send in facts.sends.items():
        if send.acknowledged and key in in_log:
            by_room[send.room].append((send, key, min(in_log[key])))
    for sends in by_room.values():
        yield from _after_acknowledgement(sends)
        yield from _on_one_line(sends)


def _after_acknowledgement(sends: Sequence[tuple[Send, str, int]]) -> Iterator[Anomaly]:
    """Whatever was acknowledged before a message was sent at all stands before it."""
    by_end = sorted(sends, key=lambda each: each[0].ok_at)
    ended, highest = 0, 0
    for send, key, offset in sorted(sends, key=lambda each: each[0].invoked_at):
        while by_end[ended][0].ok_at < send.invoked_at:
            highest = max(highest, by_end[ended][2])
            ended += 1
        if offset < highest:
            yield Anomaly("nonmonotonic-send", f"{key} at {offset}, sent after {highest} was acknowledged")


def _on_one_line(sends: Sequence[tuple[Send, str, int]]) -> Iterator[Anomaly]:
    """Messages that were sent once, one after the other on one connection, without waiting."""
    highest: dict[str, int] = {}
    for send, key, offset in sorted(sends, key=lambda each: each[0].invoked_at):
        if len(send.lines) != 1 or not send.lines[0]:
            continue
        if offset < highest.get(send.lines[0], 0):
            yield Anomaly("nonmonotonic-send", f"{key} at {offset}, sent after {highest[send.lines[0]]} on one line")
        highest[send.lines[0]] = max(offset, highest.get(send.lines[0], 0))


def _aborted(facts: Facts, seen: dict[str, set[int]]) -> Iterator[Anomaly]:
    for key, send in facts.sends.items():
        if send.failed and not send.acknowledged and key in seen:
            yield Anomaly("aborted-read", f"{key} of {send.process}, at {sorted(seen[key])}")


def _lags(facts: Facts) -> Iterator[float]:
    for entries in facts.readers.values():
        for entry in entries:
            send = facts.sends.get(entry.key)
            if entry.act == "poll" and send is not None and send.acknowledged:
                yield max(0.0, entry.at - send.ok_at)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed; 0 when there are none."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def spread(ordered: Sequence[float]) -> str:
    values = ((name, quantile(ordered, share) * 1000) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)))
    return ", ".join(f"{name} {value:.0f} ms" for name, value in values)


def histogram(ordered: Sequence[float]) -> str:
    """How many were how late."""
    counts: Counter[float] = Counter(next(limit for limit in BUCKETS_S if value <= limit) for value in ordered)
    return ", ".join(f"≤{limit:g} s: {counts[limit]}" for limit in BUCKETS_S if counts[limit]) or "nothing was shown"
