"""What went wrong beside what was done, second by second: what one needs to find out why."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable


class Timeline:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._marks: list[tuple[float, str]] = []

    def mark(self, what: str) -> None:
        """Something was done, just now."""
        self._marks.append((time.monotonic(), what))

    def told(self, failures: Iterable[tuple[float, str]]) -> str:
        """A line for each second in which something was done or failed."""
        seconds: defaultdict[int, tuple[list[str], Counter[str]]] = defaultdict(lambda: ([], Counter()))
        for at, mark in self._marks:
            seconds[int(at - self._began)][0].append(mark)
        for at, failure in failures:
            seconds[int(at - self._began)][1][failure] += 1
        return "\n".join(
            f"{second:4} s  {', '.join([*marks, *(f'{count} x {name}' for name, count in failed.items())])}"
            for second, (marks, failed) in sorted(seconds.items())
        )
