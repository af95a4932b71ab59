"""The checker finds each anomaly in a history that has it, and none in one that has not."""

from collections.abc import Callable, Sequence

import pytest

from tests.fault import checker
from tests.fault.checker import check, histogram, quantile
from tests.fault.history import Act, Entry, Kind

ROOM = 7


class Story:
    """A history written by hand: a second passes with each entry."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def _add(self, process: str, kind: Kind, act: Act, key: str, offset: int | None, line: str = "") -> "Story":
        self.entries.append(Entry(float(len(self.entries)), process, kind, act, ROOM, key, offset, line))
        return self

    def invoke(self, key: str, line: str = "") -> "Story":
        return self._add("w", "invoke", "send", key, None, line)

    def ok(self, key: str, offset: int | None = None) -> "Story":
        return self._add("w", "ok", "send", key, offset)

    def fail(self, key: str) -> "Story":
        return self._add("w", "fail", "send", key, None)

    def info(self, key: str) -> "Story":
        return self._add("w", "info", "send", key, None)

    def send(self, key: str, offset: int | None = None, line: str = "") -> "Story":
        return self.invoke(key, line).ok(key, offset)

    def poll(self, offset: int, key: str, process: str = "r") -> "Story":
        return self._add(process, "ok", "poll", key, offset)

    def seek(self, offset: int, process: str = "r") -> "Story":
        return self._add(process, "ok", "seek", "", offset)

    def drain(self, *keys: str) -> "Story":
        for offset, key in enumerate(keys, start=1):
            if key:
                self._add("d", "ok", "drain", key, offset)
        return self

    def names(self) -> set[str]:
        return set(check(self.entries).names)


Tell = Callable[[], Story]

GOOD: Sequence[Tell] = (
    lambda: Story().send("a", 1).send("b", 2).poll(1, "a").poll(2, "b").drain("a", "b"),
    # The outcome was unknown, and the repeat found what the first try had written.
    lambda: Story().invoke("a").info("a").send("b", 2).send("a", 1).poll(1, "a").poll(2, "b").drain("a", "b"),
    # A reader that came later, one that lost its place, and one that is still behind a message nobody acknowledged.
    lambda: Story().send("a").send("b").seek(1).poll(2, "b").drain("a", "b"),
    lambda: Story().send("a").send("b").send("c").poll(1, "a").seek(2).poll(3, "c").drain("a", "b", "c"),
    lambda: Story().send("a").poll(1, "a").invoke("b").info("b").drain("a", "b"),
    # Refused, and never seen; two at once may come in either order.
    lambda: Story().invoke("x").fail("x").send("a", 1).drain("a"),
    lambda: Story().invoke("a").invoke("b").ok("a", 2).ok("b", 1).drain("b", "a"),
    # Pipelined: the first was refused for now, and came after the second when it was sent again.
    lambda: Story().invoke("a", "1").invoke("b", "1").info("a").ok("b").invoke("a", "1").ok("a").drain("b", "a"),
)

BAD: Sequence[tuple[str, Tell]] = (
    ("lost-write", lambda: Story().send("a", 1).send("b", 2).drain("b")),
    ("lost-write", lambda: Story().send("a", 1).poll(1, "a").send("b", 2).drain("", "b")),
    ("unseen", lambda: Story().send("a", 1).send("b", 2).poll(1, "a").drain("a", "b")),
    ("unseen", lambda: Story().seek(0).send("a").drain("a")),
    ("duplicate", lambda: Story().send("a", 1).drain("a", "a")),
    ("duplicate", lambda: Story().send("a").poll(1, "a").poll(2, "a").drain("a", "b")),
    ("inconsistent-offsets", lambda: Story().poll(1, "a").poll(1, "b", "other").drain("a")),
    ("inconsistent-offsets", lambda: Story().send("a", 2).send("b").drain("a", "b")),
    ("inconsistent-offsets", lambda: Story().invoke("a").ok("a", 1).ok("a", 2).drain("a", "b")),
    ("gap", lambda: Story().drain("a", "", "c")),
    ("poll-skip", lambda: Story().send("a").send("b").send("c").poll(1, "a").poll(3, "c").drain("a", "b", "c")),
    ("poll-skip", lambda: Story().seek(1).poll(3, "c").drain("a", "b", "c")),
    ("nonmonotonic-poll", lambda: Story().poll(1, "a").poll(1, "a").drain("a")),
    ("nonmonotonic-poll", lambda: Story().poll(1, "a").poll(2, "b").poll(1, "a").drain("a", "b")),
    ("nonmonotonic-send", lambda: Story().send("a", 2).send("b", 1).drain("b", "a")),
    (
        "nonmonotonic-send",
        lambda: Story().invoke("a", "1").invoke("b", "1").ok("b", 1).ok("a", 2).drain("b", "a"),
    ),
    ("aborted-read", lambda: Story().invoke("a").fail("a").drain("a")),
    ("aborted-read", lambda: Story().invoke("a").fail("a").poll(1, "a").drain("", "b")),
)


@pytest.mark.parametrize("tell", GOOD)
def test_a_good_history_has_no_anomaly(tell: Tell) -> None:
    report = check(tell().entries)
    assert report.anomalies == []
    assert "no anomaly" in str(report)


@pytest.mark.parametrize(("name", "tell"), BAD, ids=[f"{name}-{number}" for number, (name, _) in enumerate(BAD)])
def test_a_bad_history_has_its_anomaly(name: str, tell: Tell) -> None:
    assert name in tell().names()
    assert f"{name}: 1" in str(check(tell().entries))


def test_no_anomaly_is_without_a_history_that_shows_it() -> None:
    told = {name for name, _ in BAD} | {"stale"}
    listed = {line.split()[0] for line in str(checker.__doc__).splitlines() if "  " in line}
    assert told == listed


def test_a_message_that_is_shown_too_late_is_stale() -> None:
    story = Story().send("a").send("b").poll(1, "a").poll(2, "b").drain("a", "b")
    assert check(story.entries).lag_s == [2.0, 3.0]
    assert check(story.entries, stale_s=3.0).names == {}
    assert check(story.entries, stale_s=2.5).names == {"stale": 1}


def test_it_counts_what_became_of_the_sends() -> None:
    story = Story().send("a").invoke("b").info("b").invoke("c").fail("c").poll(1, "a").drain("a")
    report = check(story.entries)
    assert (report.acknowledged, report.unknown, report.refused, report.shown) == (1, 1, 1, 1)
    assert report.send_s == [1.0]


def test_quantiles_are_values_that_were_measured() -> None:
    ordered = [0.01 * number for number in range(1, 101)]
    assert quantile(ordered, 0.5) == 0.5
    assert quantile(ordered, 0.99) == 0.99
    assert quantile(ordered, 1.0) == 1.0
    assert quantile([], 0.5) == 0.0
    assert histogram([0.005, 0.2, 0.2, 100.0]) == "≤0.01 s: 1, ≤0.25 s: 2, ≤inf s: 1"
