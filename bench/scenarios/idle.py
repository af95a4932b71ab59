"""`folkmoot up` with nobody there: all of its processes, PostgreSQL and Valkey included."""

import asyncio
import os
import sys
import time
from tempfile import TemporaryDirectory

from bench.build import HERE
from bench.processes import family, program, pss_bytes
from bench.results import Row, at_most
from bench.stack import Stack

MOST_MB = 250.0
SETTLE_S = 5.0


async def run(stack: Stack) -> list[Row]:
    unset = {"DATABASE_URL": "", "REDIS_URL": "", "FOLKMOOT_PORT": "0"}
    with TemporaryDirectory(prefix="fmu") as data:
        env = os.environ | unset | {"FOLKMOOT_DATA": data, "API_MODE": "dev", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "folkmoot", "up"]
        async with program(command, core=None, errors=stack.errors("up"), env=env, cwd=HERE.parent) as up:
            await _listening(up.pid)
            await asyncio.sleep(SETTLE_S)
            parts = {_name(pid): pss_bytes(pid) / 1e6 for pid in family(up.pid)}
    return [at_most("idle `folkmoot up`, PostgreSQL and Valkey included", sum(parts.values()), "MB", MOST_MB, **parts)]


async def _listening(pid: int) -> None:
    """Waits until the whole family is there: the server, PostgreSQL with a connection, Valkey."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        names = " ".join(map(_name, family(pid)))
        if "folkmoot folkmoot" in names and "valkey" in names:
            return
        await asyncio.sleep(0.2)
    raise RuntimeError("`folkmoot up` did not start within a minute")


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return f"{pid} {file.read().replace(bytes(1), b' ').decode(errors='replace')[:60]}"
    except OSError:
        return f"{pid} (gone)"
