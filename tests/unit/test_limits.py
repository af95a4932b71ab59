"""The limiter without Redis: still a limit, and bounded itself."""

import pytest

from folkmoot import limits
from folkmoot.bus import Bus
from folkmoot.errors import TooMany
from folkmoot.limits import Limiter, Try


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(limits, "time", made)
    return made


@pytest.fixture
def limiter() -> Limiter:
    """One whose Redis is not there."""
    return Limiter(Bus("redis://127.0.0.1:1/0"))


async def test_a_window_opens_with_the_first_try_and_closes_by_itself(limiter: Limiter, clock: Clock) -> None:
    for _ in range(3):
        await limiter.spend("key", limit=3, window_s=10)
    with pytest.raises(TooMany) as refused:
        await limiter.spend("key", limit=3, window_s=10)
    assert refused.value.retry_after_s == 10
    clock.now += 9
    with pytest.raises(TooMany) as refused:
        await limiter.spend("key", limit=3, window_s=10)
    assert refused.value.retry_after_s == 2
    clock.now += 1
    await limiter.spend("key", limit=3, window_s=10)


async def test_keys_do_not_know_of_each_other(limiter: Limiter, clock: Clock) -> None:
    await limiter.spend("one", limit=1, window_s=10)
    await limiter.spend("two", limit=1, window_s=10)
    with pytest.raises(TooMany):
        await limiter.spend("one", limit=1, window_s=10)


async def test_what_comes_after_a_limit_that_is_spent_is_not_counted(limiter: Limiter, clock: Clock) -> None:
    await limiter.spend("address", limit=1, window_s=10)
    for _ in range(3):
        with pytest.raises(TooMany):
            await limiter.spend_all(Try("address", 1, 10), Try("pair", 1, 10))
    await limiter.spend_all(Try("another", 1, 10), Try("pair", 1, 10))
    with pytest.raises(TooMany):
        await limiter.spend_all(Try("a third", 1, 10), Try("pair", 1, 10))


async def test_what_is_forgotten_begins_anew(limiter: Limiter, clock: Clock) -> None:
    await limiter.spend("key", limit=1, window_s=10)
    limiter.forget("key")
    await limiter.spend("key", limit=1, window_s=10)


async def test_it_never_holds_more_than_its_share_of_memory(
    limiter: Limiter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOCAL_KEYS", 5)
    for number in range(20):
        await limiter.spend(str(number), limit=1, window_s=10)
    assert len(limiter._local) == 5


@pytest.mark.parametrize(
    ("seconds", "spoken"), [(1, "1 seconds"), (89, "89 seconds"), (90, "2 minutes"), (900, "15 minutes")]
)
def test_how_long_to_wait_is_said_for_people(seconds: int, spoken: str) -> None:
    assert limits._spoken(seconds) == spoken
