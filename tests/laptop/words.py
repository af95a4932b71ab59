"""Words for tests about data folders, and about processes that die at the wrong moment."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from folkmoot.laptop import Servers

ROOT = Path(__file__).parent.parent.parent


def quietly(line: str) -> None:
    """A report that nobody reads."""


@asynccontextmanager
async def connected(started: Servers) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(started.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def remember(started: Servers, word: str) -> None:
    async with connected(started) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        await connection.execute("INSERT INTO words VALUES ($1)", word)


async def remembered(started: Servers) -> list[str]:
    async with connected(started) as connection:
        return [row["word"] for row in await connection.fetch("SELECT word FROM words")]


class Holder:
    """A process of its own that holds the servers of a data folder until it is told to let go."""

    def __init__(self, data: Path, prefix: tuple[str, ...] = ()) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-W", "error", "-m", "tests.laptop.holder", data],
            cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def started(self) -> Servers:
        """Waits for the servers. Fails with what the process said when they do not come."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            pytest.fail(self.said())
        return Servers(**json.loads(line))

    def said(self) -> str:
        """What it says on its standard error, until it ends."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def children(self) -> list[psutil.Process]:
        """The two servers and their guardians."""
        return psutil.Process(self.process.pid).children()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process.wait(20)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a process that ended and was not yet collected does not."""
    running = []
    for process in processes:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                running.append(process)
        except psutil.NoSuchProcess:
            continue
    return running


def servers_of(data: Path) -> list[psutil.Process]:
    """Our own child processes that serve this data folder."""
    return [child for child in psutil.Process().children() if str(data) in " ".join(child.cmdline())]


async def gone(processes: list[psutil.Process], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while left := alive(processes):
        assert time.monotonic() < deadline, f"still running: {left}"
        await asyncio.sleep(0.02)


def as_nobody() -> tuple[str, ...]:
    """What stands before a command that an ordinary user is to run; it may read anything."""
    if os.geteuid() != 0:
        return ()
    reach = (
        "--securebits=+no_setuid_fixup", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
    )  # fmt: skip
    return (str(shutil.which("setpriv")), "--reuid=65534", "--regid=65534", "--clear-groups", *reach)


def give_to_nobody(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
    return folder
