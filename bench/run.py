"""`python -m bench.run`: measures, prints the table, and keeps it under `bench/results/`."""

import argparse
import os
import resource
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench.build import HERE, NoCompiler, build
from bench.machine import describe, kind
from bench.processes import LOAD_CORE
from bench.results import Row, table, write
from bench.scenarios import SCENARIOS
from bench.stack import Stack
from folkmoot.laptop import servers
from folkmoot.migrations import migrate

FILES = 16_500  # 15,000 connections, and the rest


def main() -> int:
    arguments = _arguments()
    if (os.cpu_count() or 1) < 2:
        print("The server and its load need a core each, and there is only one here.", file=sys.stderr)
        return 2
    _raise_limits()
    os.sched_setaffinity(0, {LOAD_CORE})  # and with us the databases: the server has the other core to itself
    try:
        rows = uvloop.run(_measure(arguments))
    except NoCompiler as missing:
        print(missing, file=sys.stderr)
        return 2
    return 1 if any(row.ok is False for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="a group of rows; may be repeated")
    parser.add_argument("--quick", action="store_true", help="one short run each, smaller crowds")
    return parser.parse_args()


def _raise_limits() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < FILES:
        print(f"Only {hard} files may be open: the largest sizes need {FILES} (ulimit -n).", file=sys.stderr)


async def _measure(arguments: argparse.Namespace) -> list[Row]:
    await build()
    rows: list[Row] = []
    name = f"{datetime.now(UTC):%Y-%m-%d}-{kind()}" + ("-quick" if arguments.quick else "")
    with tempfile.TemporaryDirectory(prefix="fmb") as folder:
        async with servers(Path(folder) / "data", report=_note) as started:
            await migrate(started.dsn)
            machine = describe([binary.title for binary in started.found])
            stack = Stack(started, Path(folder), HERE / "results", name, arguments.quick)
            for scenario in arguments.only or SCENARIOS:
                rows += await _group(scenario, stack)
    print(table(rows))
    print(f"\nKept in {write(HERE / 'results', name, machine, rows)}")
    return rows


async def _group(scenario: str, stack: Stack) -> list[Row]:
    _note(f"== {scenario}")
    try:
        return await SCENARIOS[scenario](stack)
    except Exception as error:  # the other groups can still be measured
        _note(f"{scenario} failed: {error!r}")
        return [Row(f"{scenario}: not measured ({error})"[:160], 0, "", ok=False)]


def _note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
