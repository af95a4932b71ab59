"""What a fault is: something that begins and ends while a load runs, and what must be seen meanwhile.

    class DiskFull(Fault):
        number, name, done, expected = 8, "PostgreSQL's disk is full", "…", "…"

        async def begin(self, world): ...
        async def meanwhile(self, world): ...
        async def end(self, world): ...
        async def verify(self, world, window) -> str: ...

`suffer` lets a load suffer it, and gives the row of the table in docs/reference/faults.md.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tests.fault.checker import quantile
from tests.fault.clients import Attempt, Ending
from tests.fault.load import Load
from tests.fault.world import World

CALM_S = 3.0  # a load runs so long before a fault is compared with it
REFUSED_WITHIN_S = 3.0  # a send that cannot be done is refused by then


@dataclass
class Window:
    """The time of a fault, and what the clients of a load saw in it."""

    load: Load
    began: float
    ended: float = float("inf")
    healed_s: float = 0.0  # from its end until everybody could write and read again

    @property
    def attempts(self) -> list[Attempt]:
        """Sends that were tried while it lasted, wherever."""
        return [each for each in self.load.notes.attempts if self.began <= each.at < self.ended]

    @property
    def endings(self) -> list[Ending]:
        """Connections that ended since it began, until now."""
        return [each for each in self.load.notes.endings if each.at >= self.began]

    @property
    def comebacks_s(self) -> list[float]:
        """How long those were away who may go to another node, sorted."""
        return sorted(each.took_s for each in self.load.notes.comebacks if each.at >= self.began and not each.stays)

    def outcomes(self) -> Counter[str]:
        return Counter(attempt.outcome for attempt in self.attempts if not attempt.outcome.endswith("404"))

    def took_s(self, outcome: str = "") -> list[float]:
        """How long the sends took that ended in this way, sorted."""
        return sorted(each.took_s for each in self.attempts if each.outcome.startswith(outcome))

    def calm_p99_s(self) -> float:
        """How slow the slowest sends were just before: what this machine gives, whatever else it does."""
        calm = (each for each in self.load.notes.attempts if self.began - CALM_S <= each.at < self.began)
        return quantile(sorted(each.took_s for each in calm if each.outcome == "ok"), 0.99)

    def assert_fast(self, limit_s: float) -> str:
        """Sends are as fast as they should be, or as fast as before where the machine has no better. Says how fast.

        The p99 of a short run is the slowest of a few dozen, and other tests may use the machine at the same time: the
        middle one is judged there.
        """
        name, share = ("p50", 0.5) if self.load.is_quick else ("p99", 0.99)
        took_s, before_s = quantile(self.took_s("ok"), share), self.calm_p99_s()
        assert took_s < max(limit_s, 5 * before_s), f"sends: {name} {took_s:.2f} s, p99 {before_s:.2f} s before"
        return f"{name} {took_s * 1000:.0f} ms, p99 {before_s * 1000:.0f} ms just before"

    def codes(self) -> Counter[int]:
        return Counter(int(ending.code) for ending in self.endings)

    def lag_s(self) -> float:
        """The longest that anybody waited for a message that was acknowledged since it began."""
        acknowledged = {each.key: each.at for each in self.load.history.entries if each[2:4] == ("ok", "send")}
        shown = [each for each in self.load.history.entries if each.act == "poll" and each.at >= self.began]
        waits = [each.at - acknowledged[each.key] for each in shown if acknowledged.get(each.key, 0.0) >= self.began]
        return max(0.0, *waits) if waits else 0.0


@dataclass(frozen=True)
class Row:
    """Of the table in docs/reference/faults.md."""

    number: int
    name: str
    done: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"| {self.number} | {self.name} | {self.done} | {self.expected} | {self.seen} |"


class Fault:
    number: ClassVar[int]
    name: ClassVar[str]
    done: ClassVar[str]
    expected: ClassVar[str]
    lasts_s: ClassVar[tuple[float, float]] = (1.5, 10.0)  # in a short run, and in a long one
    heals_s: ClassVar[float] = 10.0  # after its end all is as before
    target: ClassVar[str] = ""  # what it happens to; two at a time happen to two targets

    async def begin(self, world: World) -> None:
        """Each fault says how it begins."""
        raise NotImplementedError

    async def meanwhile(self, world: World) -> None:
        """Looks at what can only be seen while it lasts."""

    async def end(self, world: World) -> None:
        """Undoes it; also when `begin` failed half way."""

    async def verify(self, world: World, window: Window) -> str:
        """Asserts what is expected beside the judgement of the checker. Returns what was seen, in figures."""
        return ""


async def suffer(world: World, load: Load, *faults: Fault) -> list[Row]:
    """Lets the load suffer the faults, all at a time, and waits until it is well again."""
    window = Window(load, time.monotonic())
    try:
        for fault in faults:
            await fault.begin(world)
        lasting = asyncio.sleep(max(fault.lasts_s[not world.is_quick] for fault in faults))
        await asyncio.gather(lasting, *(fault.meanwhile(world) for fault in faults if len(faults) == 1))
    finally:
        for fault in reversed(faults):
            await fault.end(world)
    window.ended = time.monotonic()
    await well_again(window, max(fault.heals_s for fault in faults))
    assert load.notes.signed_out == [], "nobody is signed out by a fault"
    return [await _row(world, window, fault, alone=len(faults) == 1) for fault in faults]


async def _row(world: World, window: Window, fault: Fault, *, alone: bool) -> Row:
    seen = [await fault.verify(world, window)] if alone else []  # of two at a time nobody can say which it was
    seen.append(f"all well {window.healed_s:.1f} s after")
    return Row(fault.number, fault.name, fault.done, fault.expected, "; ".join(part for part in seen if part))


async def well_again(window: Window, within_s: float) -> None:
    """Everybody is connected, and everybody's messages are taken, on each node."""
    load = window.load
    try:
        async with asyncio.timeout(within_s):
            while not (all(client.is_connected for client in load.clients) and not _waiting(window)):
                await asyncio.sleep(0.02)
    except TimeoutError:
        away = [client.name for client in load.clients if not client.is_connected]
        raise AssertionError(f"not well {within_s} s after: {away} away, {_waiting(window)} cannot write") from None
    window.healed_s = time.monotonic() - window.ended


def _waiting(window: Window) -> Sequence[str]:
    """Those who stay on one node and had no message taken since the end."""
    fine = {each.port for each in window.load.notes.attempts if each.outcome == "ok" and each.at >= window.ended}
    return [writer.name for writer in window.load.locals if writer.port not in fine]


def assert_refused_in_time(window: Window) -> None:
    """What could not be done was refused for now, and soon. Whoever lost the connection knows nothing."""
    late = [each for each in window.attempts if each.outcome == "no answer" or each.took_s > REFUSED_WITHIN_S]
    assert not late, f"not answered within {REFUSED_WITHIN_S} s: {late[:5]} and {len(late)} in all"
