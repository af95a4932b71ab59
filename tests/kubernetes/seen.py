"""What people saw while something happened to the cluster, and whether they may."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.fault.checker import Report
from tests.fault.load import Load
from tests.fault.requester import Requester
from tests.kubernetes.timeline import Timeline
from tests.kubernetes.visitors import Onlooker

ENOUGH = 100  # messages, for a judgement to mean anything


class Failed(Exception):
    """What should have been seen, and was not."""


def expect(is_so: object, what: str) -> None:
    if not is_so:
        raise Failed(what)


class Seen:
    """One load, with somebody who wrote to its first room by REST, of which `log` is what is in it."""

    def __init__(
        self,
        load: Load,
        report: Report,
        log: Mapping[int, str],
        requester: Requester,
        onlooker: Onlooker,
    ) -> None:
        self.load = load
        self.report = report
        self.by_http = (requester, onlooker)
        self.answers = sum((each.outcomes for each in self.by_http), Counter[str]())
        self.sends = Counter(each.outcome for each in load.notes.attempts if not each.outcome.endswith("404"))
        self.endings = Counter(int(ending.code) for ending in load.notes.endings)
        stored = Counter(key.partition(" ")[0] for key in log.values())
        self.by_rest = len(requester.acknowledged)
        self.lost = [key for key in requester.acknowledged if stored[key] != 1]
        self.longest_s = requester.longest_s

    def __str__(self) -> str:
        away_s = max((each.took_s for each in self.load.notes.comebacks), default=0.0)
        return (
            f"{self.report}\n"
            f"  sends {dict(self.sends)}, sockets ended {dict(self.endings)}, longest away {away_s:.1f} s\n"
            f"  HTTP {dict(self.answers)}; by REST {self.by_rest} messages, {len(self.lost)} of them lost or repeated, "
            f"longest {self.longest_s:.1f} s"
        ).replace("\n", "\n    ")

    def expect_nothing_lost(self) -> None:
        expect(self.report.anomalies == [] and self.lost == [], str(self))
        expect(self.report.acknowledged > ENOUGH, f"too little was said to mean anything: {self}")
        expect(self.load.notes.signed_out == [], f"signed out: {self.load.notes.signed_out}")

    def expect_no_refusal(self, timeline: Timeline) -> None:
        """Nobody notices but by coming back."""
        refused = [name for name in (*self.answers, *self.sends) if name.removeprefix("refused ").startswith("5")]
        expect(not refused, f"answered 5xx: {self}\n{timeline.told(self._failures())}")
        expect(self.endings[0] == 0, f"sockets that were not opened: {self}\n{timeline.told(self._failures())}")

    def _failures(self) -> Iterator[tuple[float, str]]:
        for each in self.by_http:
            yield from each.failures
        for attempt in self.load.notes.attempts:
            if not attempt.outcome.endswith(("ok", "404")):
                yield attempt.at, f"send {attempt.outcome}"
        for ending in self.load.notes.endings:
            yield ending.at, f"socket ended with {int(ending.code)}"
