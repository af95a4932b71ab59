"""How fast a client may go: a bucket that fills by itself, kept as the one moment at which it is full again.

So a client that only listens has a number for each bucket, and what is spent costs an addition and a comparison.
"""

from dataclasses import dataclass, field

ROUNDING_S = 1e-6  # the last one of a burst is not refused for how numbers are added


@dataclass(frozen=True, slots=True)
class Pace:
    """So many a second, and `burst` at once for who has spent nothing for a while."""

    per_s: float
    burst: float
    each_s: float = field(init=False)  # how long one takes to come back
    whole_s: float = field(init=False)  # how long all of them take

    def __post_init__(self) -> None:
        object.__setattr__(self, "each_s", 1 / self.per_s)
        object.__setattr__(self, "whole_s", self.burst / self.per_s)

    def spend(self, full_at: float, now: float, amount: int = 1) -> float:
        """When a bucket that is full at `full_at` is full again, after so much was taken out of it."""
        return (full_at if full_at > now else now) + amount * self.each_s

    def excess_s(self, full_at: float, now: float) -> float:
        """How long until no more was taken out than was in; none or less: no more was."""
        return full_at - now - self.whole_s
