"""`python -m tests.fault.soak --minutes N --seed S`: every fault under the full load, then two at a time, for as long.

Each round has a load and a history of its own, which is judged when it ends. It prints the rows of the table in
docs/reference/faults.md. It ends with 0 only if no history has an anomaly, each fault was borne as expected, no node
complained, and the nodes have no more memory, tasks and descriptors than before.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from tests.fault.fault import CALM_S, Fault, suffer
from tests.fault.faults import ALL, nemesis
from tests.fault.load import FULL, SHORT, Size
from tests.fault.nodes import Server
from tests.fault.world import World, a_world

BASE_S = 30.0  # in which everything is as it was
# Of a node over the whole run: what two password hashes take, which the allocator keeps once it has it, and a little.
GROWTH_BYTES = 64 << 20
POOLED = 64 + 10  # connections that a node may keep to Redis and PostgreSQL, whether it had so many before or not
SPARE = 4


@dataclass
class Base:
    """What a node holds when nobody is there."""

    descriptors: int
    tasks: int
    resident_bytes: int

    def __str__(self) -> str:
        return f"{self.descriptors} descriptors, {self.tasks} tasks, {self.resident_bytes >> 20} MB"


@dataclass
class Soak:
    world: World
    size: Size
    seed: int
    failures: list[str] = field(default_factory=list)
    rounds: int = 0

    async def round(self, *faults: Fault) -> None:
        """One load that suffers these faults at a time, and the judgement over it."""
        self.rounds += 1
        names = " and ".join(f"{fault.number} {fault.name}" for fault in faults) or "no fault"
        load = await self.world.load(self.size, self.seed + self.rounds)
        async with load:
            await asyncio.sleep(CALM_S)
            if faults:
                try:
                    print(*await suffer(self.world, load, *faults), sep="\n", flush=True)
                except Exception as unmet:  # the other faults can still be had
                    self._fail(f"{names}: {type(unmet).__name__}: {unmet}")
            await load.settle()
            report = await load.report()
        _note(f"-- {names}\n{report}")
        if report.anomalies:
            self._fail(f"{names}: {dict(report.names)}")
        for line in self.world.complaints():
            self._fail(f"{names}: {line}")
        for node in self.world.nodes:
            node.log.write_text("")

    def _fail(self, what: str) -> None:
        _note(f"!! {what}")
        self.failures.append(what)

    async def back_to_base(self, bases: list[Base]) -> None:
        """R12: what was used for the clients is given back when they have gone."""
        deadline = time.monotonic() + BASE_S
        for number, (node, base) in enumerate(zip(self.world.nodes, bases, strict=True)):
            now = await look_at(node)
            while not _is_back(now, base) and time.monotonic() < deadline:
                await asyncio.sleep(1.0)
                now = await look_at(node)
            _note(f"node {number}: {base} before, {now} after")
            if not _is_back(now, base):
                self._fail(f"node {number} did not come back to its base: {base} before, {now} after")


def _is_back(now: Base, base: Base) -> bool:
    return (
        now.descriptors <= base.descriptors + POOLED + SPARE
        and now.tasks <= base.tasks + SPARE
        and now.resident_bytes <= base.resident_bytes + GROWTH_BYTES
    )


async def look_at(node: Server) -> Base:
    path = Path(node.environment["FOLKMOOT_TASKS"])
    path.unlink(missing_ok=True)
    node.process.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(5.0):
        while not (path.exists() and path.read_text()):
            await asyncio.sleep(0.02)
    return Base(node.descriptors(), int(path.read_text()), node.resident_bytes())


async def soak(minutes: float, seed: int, size: Size, chosen: list[int]) -> list[str]:
    started = time.monotonic()
    with TemporaryDirectory(prefix="fms") as folder:
        async with AsyncExitStack() as stack:
            made = a_world(Path(folder), is_quick=False, module=("tests.fault.maimed", "whole"))
            world = await stack.enter_async_context(made)
            run = Soak(world, size, seed)
            await run.round()  # warms everything up
            bases = [await look_at(node) for node in world.nodes]
            for faults in _plan(seed, chosen):
                if run.rounds > len(chosen) and time.monotonic() - started > minutes * 60:
                    break
                await run.round(*faults)
            await run.round()
            await run.back_to_base(bases)
            return run.failures


def _plan(seed: int, chosen: list[int]) -> Iterator[tuple[Fault, ...]]:
    """Each fault alone, at least once, and then two at a time."""
    for kind in ALL:
        if kind.number in chosen:
            yield (kind(),)
    yield from nemesis(seed)


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    numbers = [kind.number for kind in ALL]
    parser = argparse.ArgumentParser(prog="python -m tests.fault.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long; each fault is had once in any case")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)), help="repeats an earlier run")
    parser.add_argument("--small", action="store_true", help="few clients instead of the full load")
    parser.add_argument("--only", type=int, action="append", choices=numbers, help="a fault; may be repeated")
    arguments = parser.parse_args()
    _note(f"seed {arguments.seed}")
    size = SHORT if arguments.small else FULL
    failures = uvloop.run(soak(arguments.minutes, arguments.seed, size, arguments.only or numbers))
    print("\n".join(failures) if failures else "Nothing was lost, and everything is as before.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
