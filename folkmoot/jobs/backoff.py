"""How long to wait before the next attempt."""

import random

SPREAD = 0.25  # of the delay, either way: what failed together does not come back together


def delay_s(attempt: int, first_s: float, longest_s: float) -> float:
    """Seconds to wait after the failed attempt of that number, counted from 0."""
    exact: float = min(first_s * 2 ** min(attempt, 40), longest_s)
    return exact * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311  # nobody gains by guessing it
