"""Nodes that lack what keeps their promises are found out. Without these runs the others would prove nothing."""

import asyncio
from pathlib import Path

import pytest

from tests.fault.load import Size
from tests.fault.world import a_world

SIZE = Size(rooms=1, writers=6, readers=3, rate_per_s=25.0)


@pytest.mark.parametrize(
    ("part", "anomalies"),
    [
        ("whole", set()),
        ("publish-only", {"poll-skip"}),
        ("bigserial", {"poll-skip"}),
    ],
)
async def test_what_is_missing_is_found_out(short_path: Path, part: str, anomalies: set[str]) -> None:
    module = ("tests.fault.maimed", part)
    async with a_world(short_path, module=module) as world, await world.load(SIZE, seed=1) as load:
        await asyncio.sleep(3.0)
        await load.settle(within_s=2.0 if anomalies else 30.0)
        report = await load.report()
    print(report)
    assert report.acknowledged > 100
    assert set(report.names) >= anomalies, str(report)
    assert bool(report.names) == bool(anomalies), str(report)
