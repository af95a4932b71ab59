"""How much one user may ask at a time: the same for all their connections to this server."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from folkmoot.errors import TooMany

OPEN_SHARE = 2  # an address that sent no token has one part in so many of what a user has
REMEMBERED = 10_000  # who asked last; whoever has a call open is never forgotten


@dataclass(frozen=True, slots=True)
class Allowed:
    calls_per_s: int
    calls: int  # at a time
    streams: int  # at a time

    def share(self) -> "Allowed":
        return Allowed(*(max(1, most // OPEN_SHARE) for most in (self.calls_per_s, self.calls, self.streams)))


class Budget:
    __slots__ = ("allowed", "at", "calls", "left", "streams")

    def __init__(self, allowed: Allowed) -> None:
        self.allowed = allowed
        self.left = float(allowed.calls_per_s)
        self.at = time.monotonic()
        self.calls = self.streams = 0

    def spend(self) -> None:
        now, rate = time.monotonic(), self.allowed.calls_per_s
        self.left = min(rate, self.left + (now - self.at) * rate)
        self.at = now
        if self.left < 1:
            raise TooMany("Too many calls. Wait a second and try again.", retry_after_s=1)
        self.left -= 1


class Budgets:
    """`with budgets.call(who):` around each call; `who` is a user's id, or an address."""

    def __init__(self, allowed: Allowed) -> None:
        self._of_users = allowed
        self._of_addresses = allowed.share()
        self._budgets: OrderedDict[int | str, Budget] = OrderedDict()

    @contextmanager
    def call(self, who: int | str, *, is_stream: bool) -> Iterator[None]:
        """Raises TooMany."""
        budget = self._budget(who)
        budget.spend()
        if is_stream and budget.streams >= budget.allowed.streams:
            raise TooMany(f"No more than {budget.allowed.streams} streams at a time.")
        if not is_stream and budget.calls >= budget.allowed.calls:
            raise TooMany(f"No more than {budget.allowed.calls} calls at a time.", retry_after_s=1)
        budget.streams += is_stream
        budget.calls += not is_stream
        try:
            yield
        finally:
            budget.streams -= is_stream
            budget.calls -= not is_stream

    def _budget(self, who: int | str) -> Budget:
        budget = self._budgets.get(who)
        if budget is None:
            budget = self._budgets[who] = Budget(self._of_users if isinstance(who, int) else self._of_addresses)
            self._forget_some()
        self._budgets.move_to_end(who)
        return budget

    def _forget_some(self) -> None:
        for _ in range(len(self._budgets) - REMEMBERED):
            who, oldest = self._budgets.popitem(last=False)
            if oldest.calls or oldest.streams:
                self._budgets[who] = oldest
