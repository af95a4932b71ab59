"""Nodes that lack what keeps their promises are found out. Without these runs the others would prove nothing."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fault.checker import Report
from tests.fault.load import Size
from tests.fault.world import a_world
from tests.realtime.wire import until

SIZE = Size(rooms=1, writers=6, readers=3, rate_per_s=25.0)
ENOUGH = 250  # messages, for chance to have had its chances

FOUND: Mapping[str, set[str]] = {"whole": set(), "publish-only": {"poll-skip"}, "bigserial": {"poll-skip"}}


@pytest.fixture(scope="module")
async def reports() -> Mapping[str, Report]:
    """Of a run of each, at the same time."""
    return dict(zip(FOUND, await asyncio.gather(*map(run, FOUND)), strict=True))


async def run(part: str) -> Report:
    with TemporaryDirectory(prefix="fmt") as folder:
        module = ("tests.fault.maimed", part)
        async with a_world(Path(folder), module=module) as world, await world.load(SIZE, seed=1) as load:
            await until(lambda: sum(attempt.outcome == "ok" for attempt in load.notes.attempts) >= ENOUGH, 120)
            await load.settle(within_s=2.0 if FOUND[part] else 30.0)
            return await load.report()


@pytest.mark.parametrize(("part", "anomalies"), FOUND.items())
def test_what_is_missing_is_found_out(reports: Mapping[str, Report], part: str, anomalies: set[str]) -> None:
    report = reports[part]
    print(report)
    assert report.acknowledged >= ENOUGH
    assert set(report.names) >= anomalies, str(report)
    assert bool(report.names) == bool(anomalies), str(report)
