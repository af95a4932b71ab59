"""A PostgreSQL and a Valkey of one run's own, to be killed, stopped and emptied."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

from folkmoot.laptop import LaptopError, postgres
from folkmoot.laptop.account import choose_account
from folkmoot.laptop.binaries import find_postgres, find_valkey
from folkmoot.laptop.child import Child
from folkmoot.laptop.folder import claim, locate
from tests.realtime.wire import until

START_S = 30.0


def family(pid: int) -> list[int]:
    """The process, its children, and theirs."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Valkey:
    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.url = f"unix://{socket}?db=0"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        options = ("--port", "0", "--unixsocket", str(self.socket), "--save", "", "--loglevel", "warning")
        self._process = await asyncio.create_subprocess_exec(
            find_valkey().path, *options, cwd=self.socket.parent, stdout=DEVNULL, stderr=DEVNULL
        )
        await until(self.socket.exists)

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            os.kill(self.pid, signal.SIGKILL)
        await self._process.wait()
        self.socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        async with Redis.from_url(self.url) as client:
            yield client


@asynccontextmanager
async def a_valkey(folder: Path) -> AsyncIterator[Valkey]:
    valkey = Valkey(folder / "v.sock")
    await valkey.start()
    try:
        yield valkey
    finally:
        await valkey.kill()


class Postgres:
    """A PostgreSQL as a laptop has it: its folder outlives every death of the server."""

    def __init__(self, data: Path) -> None:
        self.folder = locate(data)
        self.dsn = postgres.address(self.folder)
        self._child: Child | None = None
        self._frozen: list[int] = []

    @property
    def socket(self) -> Path:
        return self.folder.run / ".s.PGSQL.5432"

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        return int((self.folder.postgres / "postmaster.pid").read_text().splitlines()[0])

    async def start(self) -> None:
        """Starts it, after a crash too: backends that still die keep the memory for a moment."""
        binary = find_postgres()
        account = choose_account(self.folder, binary.path)
        deadline = asyncio.get_running_loop().time() + START_S
        while True:
            self._child = await postgres.start(binary, self.folder, account, lambda line: None)
            try:
                await postgres.ready(self._child, self.folder)
                return
            except LaptopError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)

    def kill(self) -> None:
        """kill -9 of the postmaster and all its children, at once."""
        signal_all(family(self.pid), signal.SIGKILL)

    def freeze(self) -> None:
        self._frozen = family(self.pid)
        signal_all(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        signal_all(self._frozen, signal.SIGCONT)
        self._frozen = []

    async def stop(self) -> None:
        self.thaw()
        if self._child is not None:
            await self._child.stop()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def a_postgres(folder: Path) -> AsyncIterator[Postgres]:
    with claim(folder / "data"):
        server = Postgres(folder / "data")
        try:
            await server.start()
            yield server
        finally:
            await server.stop()
