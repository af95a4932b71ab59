"""Every fault once, one after the other under one short load; afterwards the history is judged."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fault.fault import Fault, suffer
from tests.fault.faults import nodes
from tests.fault.load import SHORT
from tests.fault.world import World, a_world

STALE_S = 15.0  # of a message to whoever sat on a node that hung


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    with TemporaryDirectory(prefix="fmf") as folder:
        async with a_world(Path(folder)) as started:
            yield started


@pytest.mark.parametrize(
    "faults",
    [
        (nodes.Killed, nodes.Rolled, nodes.Stopped),
    ],
    ids=["nodes"],
)
async def test_under_a_fault_nothing_acknowledged_is_lost_and_all_is_well_soon_after(
    world: World, faults: tuple[type[Fault], ...]
) -> None:
    async with await world.load(SHORT, seed=20_261_121) as load:
        for fault in faults:
            await asyncio.sleep(0.5)
            print(*await suffer(world, load, fault()))
        await load.settle()
    report = await load.report(stale_s=STALE_S)
    print(report)
    assert report.anomalies == [], str(report)
    assert report.acknowledged > 100, "for this test to mean anything, something must have been said"
    assert world.complaints() == []
