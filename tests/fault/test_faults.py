"""Every fault once, one after the other under short loads on the same servers; each history is judged."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fault.fault import Fault, suffer
from tests.fault.faults import ALL, CLIENTS, DATABASE, NODES, OPERATORS, REDIS, nemesis
from tests.fault.load import SHORT, Load
from tests.fault.world import World, a_world

STALE_S = 15.0  # of a message to whoever sat on a node that hung


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    with TemporaryDirectory(prefix="fmf") as folder:
        async with a_world(Path(folder)) as started:
            yield started


async def judge(world: World, load: Load) -> None:
    await load.settle()
    report = await load.report(stale_s=STALE_S)
    print(report)
    assert report.anomalies == [], str(report)
    assert report.acknowledged > 50, "for this test to mean anything, something must have been said"
    assert world.complaints() == []


@pytest.mark.parametrize(
    "faults",
    [NODES, DATABASE, REDIS, CLIENTS, OPERATORS],
    ids=["nodes", "database", "redis", "clients", "operators"],
)
async def test_under_a_fault_nothing_acknowledged_is_lost_and_all_is_well_soon_after(
    world: World, faults: tuple[type[Fault], ...]
) -> None:
    async with await world.load(SHORT, seed=1) as load:
        for fault in faults:
            await asyncio.sleep(0.3)
            print(*await suffer(world, load, fault()))
        await judge(world, load)


@pytest.mark.parametrize("seed", [20_261_121])
async def test_under_two_faults_at_a_time(world: World, seed: int) -> None:
    async with await world.load(SHORT, seed) as load:
        for pair in itertools.islice(nemesis(seed), 2):
            await asyncio.sleep(0.5)
            print(*await suffer(world, load, *pair), sep="\n")
        await judge(world, load)


def test_every_fault_is_on_its_page(checkout: Path) -> None:
    page = (checkout / "docs" / "reference" / "faults.md").read_text()
    for fault in ALL:
        assert f"| {fault.number} | {fault.name} | {fault.done} | {fault.expected} |" in page
    assert len({fault.number for fault in ALL}) == len(ALL)
