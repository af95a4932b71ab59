"""PostgreSQL on a disk of a test's own, as the laptop starts it. It can be frozen, and killed with all it started."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil

from folkmoot.laptop import postgres
from folkmoot.laptop.account import choose_account
from folkmoot.laptop.binaries import find_postgres
from folkmoot.laptop.child import Child
from folkmoot.laptop.folder import claim
from tests.realtime.wire import until


class Database:
    """A server of the test's own."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.dsn = ""
        self.process = psutil.Process(child._process.pid)

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    async def freeze(self) -> None:
        """Stops every process where it is. A write that the kernel has begun ends first."""
        self._tell(signal.SIGSTOP)
        await until(lambda: all(map(_stands_still, self.processes())))

    async def kill(self) -> None:
        self._tell(signal.SIGKILL)
        await until(lambda: not self.child.alive)

    async def stop(self) -> None:
        self._tell(signal.SIGCONT)
        await self.child.stop()

    def _tell(self, number: signal.Signals) -> None:
        with suppress(psutil.NoSuchProcess):
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)


@asynccontextmanager
async def database_in(folder: Path, *, before: tuple[str, ...] = (), **settings: str) -> AsyncIterator[Database]:
    """Starts what is in the folder, or makes it. `settings` differ from the shipped ones; `before` stands before the
    command.
    """
    binary = find_postgres()
    with claim(folder) as place:
        account = choose_account(place, binary.path)
        if place.postgres.exists():
            lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
            (place.postgres / "postgresql.auto.conf").write_text("".join(lines))
        account = replace(account, command=(*account.command, *before))
        database = Database(await postgres.start(binary, place, account, report=lambda line: None))
        try:
            database.dsn = await postgres.ready(database.child, place)
            yield database
        finally:
            await database.stop()


def _stands_still(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def setting(dsn: str, name: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT current_setting($1)", name))
    finally:
        await connection.close()
