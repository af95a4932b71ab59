"""`python -m bench.doors`: the same call by REST, by the socket and by gRPC.

The table goes to `docs/reference/doors.md`, and with all details to `bench/results/`.

The server has core 0, the client and the databases share core 1. The doors take turns in every round, and the median of
the rounds counts: a machine that is busy for a moment is busy for all of them.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import uvloop

from bench.build import HERE
from bench.callers import DOORS, Call, Counter, Door, Target
from bench.machine import describe, kind
from bench.processes import LOAD_CORE, cpu_s
from bench.stack import Stack
from folkmoot.laptop import servers
from folkmoot.migrations import migrate

CALLS = {"read": "a page of ten messages", "write": "one message of 100 characters"}
AT_A_TIME = (1, 16)
REFERENCE = HERE.parent / "docs" / "reference" / "doors.md"
WARM, COUNTED = 30, 200  # calls through the relay that counts bytes

# One user makes all the calls.
GENEROUS = {
    "FOLKMOOT_GRPC_CALLS_PER_S": "1000000",
    "FOLKMOOT_GRPC_CALLS_IN_FLIGHT": "1000",
    "LOG_LEVEL": "warning",  # a line for each call would be measured too, and only some doors write one
}


@dataclass(frozen=True, slots=True)
class Run:
    calls_per_s: float
    p50_ms: float
    p99_ms: float
    server_us: float  # of its core, for one call

    @classmethod
    def middle(cls, runs: Sequence["Run"]) -> "Run":
        return cls(*(median(getattr(run, name) for run in runs) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Measured:
    door: str
    call: str
    sent_bytes: float
    received_bytes: float
    runs: Mapping[int, Run]  # by how many calls at a time


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.doors", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one door, one call and one crowd")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    uvloop.run(measure(arguments.rounds, arguments.seconds))


async def measure(rounds: int, seconds: float) -> None:
    name = f"{datetime.now(UTC):%Y-%m-%d}-{kind()}-doors"
    with tempfile.TemporaryDirectory(prefix="fmb") as folder:
        async with servers(Path(folder) / "data", report=lambda line: None) as started:
            await migrate(started.dsn)
            machine = describe([binary.title for binary in started.found])
            stack = Stack(started, Path(folder), HERE / "results", name)
            with socket.create_server(("127.0.0.1", 0)) as free:
                grpc_port = int(free.getsockname()[1])
            given = GENEROUS | {"FOLKMOOT_GRPC_PORT": str(grpc_port)}
            async with stack.folkmoot(**given) as server:  # type: ignore[arg-type]  # none of them is the core
                target = await prepare(stack, server.port, grpc_port)
                measured = await all_of_it(target, server.program.pid, rounds, seconds)
    machine["rounds"] = f"{rounds} of {seconds:g} s for each door, call and crowd, in turns; the median"
    print(page(name, machine, measured))
    publish(page(name, machine, measured))
    kept = {"machine": machine, "rows": [asdict(each) for each in measured]}
    (HERE / "results" / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


async def prepare(stack: Stack, port: int, grpc_port: int) -> Target:
    """Somebody in a room in which something was said."""
    people, (room,) = await stack.people(1), await stack.rooms(1)
    await stack.admit([(room, people.ids[0])])
    target = Target(port, grpc_port, people.tokens[0], room)
    async with DOORS["REST"](target, 1) as door:
        for _ in range(20):
            await door.write()
    return target


async def all_of_it(target: Target, pid: int, rounds: int, seconds: float) -> list[Measured]:
    sizes = {door: await bytes_of(door, target) for door in DOORS}
    runs: dict[tuple[str, str, int], list[Run]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        order = list(DOORS)
        order = order[number % len(order) :] + order[: number % len(order)]
        for call in CALLS:
            for at_a_time in AT_A_TIME:
                for door in order:
                    run = await one_run(door, call, at_a_time, target, pid, seconds)
                    runs.setdefault((door, call, at_a_time), []).append(run)
    return [
        Measured(door, call, *sizes[door][call], {each: Run.middle(runs[door, call, each]) for each in AT_A_TIME})
        for call in CALLS
        for door in DOORS
    ]


async def one_run(name: str, call: str, at_a_time: int, target: Target, pid: int, seconds: float) -> Run:
    async with DOORS[name](target, at_a_time) as door:
        ask: Call = getattr(door, call)
        for _ in range(WARM):
            await ask()
        took: list[float] = []
        began, spent = time.perf_counter(), cpu_s(pid)

        async def keep_asking() -> None:
            while (asked := time.perf_counter()) - began < seconds:
                await ask()
                took.append(time.perf_counter() - asked)

        await asyncio.gather(*(keep_asking() for _ in range(at_a_time)))
        all_s, server_s = time.perf_counter() - began, cpu_s(pid) - spent
    cuts = quantiles(took, n=100)
    return Run(len(took) / all_s, cuts[49] * 1000, cuts[98] * 1000, server_s / len(took) * 1e6)


async def bytes_of(name: str, target: Target) -> dict[str, tuple[float, float]]:
    """What a call sends and receives on a connection that is in use, headers and frames among it."""
    counter, found = Counter(), {}
    async with counter.to(target.port) as port, counter.to(target.grpc_port) as grpc_port:
        relayed = Target(port, grpc_port, target.token, target.room)
        async with DOORS[name](relayed, 1) as door:
            for call in CALLS:
                found[call] = await _counted(counter, door, call)
    return found


async def _counted(counter: Counter, door: Door, call: str) -> tuple[float, float]:
    ask: Call = getattr(door, call)
    for _ in range(WARM):
        await ask()
    before = list(counter.passed)
    for _ in range(COUNTED):
        await ask()
    sent, received = (now - then for now, then in zip(counter.passed, before, strict=True))
    return sent / COUNTED, received / COUNTED


def page(name: str, machine: Mapping[str, str], measured: Sequence[Measured]) -> str:
    facts = "\n".join(f"- {fact}: {value}" for fact, value in {"measured on": name[:10], **machine}.items())
    return f"# The doors\n\n{facts}\n" + "".join(
        f"\n## {call.capitalize()}: {about}\n\n{table([each for each in measured if each.call == call])}\n"
        for call, about in CALLS.items()
    )


def publish(measured: str) -> None:
    """Puts the figures into the page that says what they mean."""
    before, begin, rest = REFERENCE.read_text().partition("<!-- measured by bench/doors.py -->\n")
    _, end, after = rest.partition("<!-- until here -->")
    shown = measured.partition("\n")[2].strip()
    REFERENCE.write_text(f"{before}{begin}\n{shown}\n\n{end}{after}")


def table(measured: Sequence[Measured]) -> str:
    crowds = [
        f"{title}, {each} at a time" for each in AT_A_TIME for title in ("calls/s", "p50 ms", "p99 ms", "server µs")
    ]
    head = ["door", "bytes sent", "bytes received", *crowds]
    lines = [head, ["---"] * len(head)]
    for each in measured:
        runs = [
            cell
            for run in each.runs.values()
            for cell in (f"{run.calls_per_s:,.0f}", f"{run.p50_ms:.2f}", f"{run.p99_ms:.2f}", f"{run.server_us:.0f}")
        ]
        lines.append([each.door, f"{each.sent_bytes:.0f}", f"{each.received_bytes:,.0f}", *runs])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
