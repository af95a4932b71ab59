"""The circuit breaker, with a clock of the test's own."""

from contextlib import suppress

import pytest

from folkmoot.services.breaker import Breaker, Open, State


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Failure(Exception):
    pass


class GivenUp(BaseException):
    """As a cancellation is."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[State]:
    return []


@pytest.fixture
def breaker(clock: Clock, changes: list[State]) -> Breaker:
    return Breaker(failures=3, open_s=10, clock=clock, changed=changes.append)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with suppress(Failure), breaker.watching((Failure,)):
            raise Failure


def state_of(breaker: Breaker) -> State:
    """Asked anew each time, which mypy does not know of an attribute."""
    return breaker.state


def succeed(breaker: Breaker) -> None:
    with breaker.watching((Failure,)):
        pass


def test_it_opens_after_failures_in_a_row(breaker: Breaker, changes: list[State]) -> None:
    fail(breaker, 2)
    succeed(breaker)
    fail(breaker, 2)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"
    with pytest.raises(Open) as refused:
        succeed(breaker)
    assert refused.value.for_s == 10
    assert changes == ["open"]


def test_after_a_while_one_request_tries_and_no_other_beside_it(
    breaker: Breaker, clock: Clock, changes: list[State]
) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert state_of(breaker) == "half-open"
    with breaker.watching((Failure,)), pytest.raises(Open):
        succeed(breaker)
    assert state_of(breaker) == "closed"
    assert changes == ["open", "closed"]
    fail(breaker, 2)
    assert state_of(breaker) == "closed", "it counts anew"


def test_when_the_one_that_tries_fails_it_stays_open_as_long_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    fail(breaker)
    clock.now += 9
    with pytest.raises(Open) as refused:
        succeed(breaker)
    assert refused.value.for_s == 1
    clock.now += 1
    succeed(breaker)
    assert state_of(breaker) == "closed"


def test_who_gives_up_says_nothing_about_the_service(breaker: Breaker, clock: Clock) -> None:
    for _ in range(10):
        with suppress(GivenUp), breaker.watching((Failure,)):
            raise GivenUp
    assert state_of(breaker) == "closed"
    fail(breaker, 3)
    clock.now += 10
    with suppress(GivenUp), breaker.watching((Failure,)):
        raise GivenUp
    assert state_of(breaker) == "half-open", "the next one tries"
    succeed(breaker)
    assert state_of(breaker) == "closed"


def test_an_answer_from_before_it_opened_does_not_close_it(breaker: Breaker, changes: list[State]) -> None:
    with breaker.watching((Failure,)):
        fail(breaker, 3)
    assert state_of(breaker) == "open"
    assert changes == ["open"]


def test_a_failure_from_before_it_opened_does_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    with suppress(Failure), breaker.watching((Failure,)):
        fail(breaker, 3)
        clock.now += 5
        raise Failure
    clock.now += 5
    assert state_of(breaker) == "half-open"


def test_each_refusal_is_an_exception_of_its_own(breaker: Breaker) -> None:
    fail(breaker, 3)
    refusals = []
    for _ in range(3):
        with pytest.raises(Open) as refused:
            succeed(breaker)
        refusals.append(refused.value)
    assert len({id(refusal) for refusal in refusals}) == 3
