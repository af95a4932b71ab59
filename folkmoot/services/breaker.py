"""A circuit breaker: a service that fails again and again is left alone for a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

State = Literal["closed", "open", "half-open"]
Changed = Callable[[State], None]


class Open(Exception):
    """The service is left alone; `for_s` more seconds, or until the one that tries it is back."""

    def __init__(self, for_s: float) -> None:
        super().__init__()
        self.for_s = for_s


class Breaker:
    """Opens after `failures` in a row, for `open_s` seconds; then lets one request try, and no other beside it."""

    def __init__(self, *, failures: int, open_s: float, clock: Callable[[], float], changed: Changed) -> None:
        self._most = failures
        self._open_s = open_s
        self._clock = clock  # monotonic: a clock that is set must neither open nor close anything
        self._changed = changed
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half-open" if self._trying or self._left() <= 0 else "open"

    @contextmanager
    def watching(self, failures: tuple[type[BaseException], ...]) -> Iterator[None]:
        """Counts what the block ends with. An end that is neither a failure nor well, such as a caller who went away,
        says nothing about the service. Raises Open, a new one each time, instead of letting the block begin.
        """
        tries = self._begin()
        try:
            yield
        except failures:
            self._failed(tries)
            raise
        else:
            self._well(tries)
        finally:
            if tries:
                self._trying = False

    def _begin(self) -> bool:
        """Whether this request is the one that tries."""
        if self._opened_at is None:
            return False
        if self._trying or self._left() > 0:
            raise Open(max(self._left(), 0))
        self._trying = True
        return True

    def _failed(self, tries: bool) -> None:
        self._failures += 1
        if tries or (self._opened_at is None and self._failures >= self._most):
            self._opened_at = self._clock()
            self._changed("open")

    def _well(self, tries: bool) -> None:
        if self._opened_at is not None and not tries:
            return  # an answer from before: what came after it failed
        self._failures = 0
        if tries:
            self._opened_at = None
            self._changed("closed")

    def _left(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self._open_s - self._clock()
