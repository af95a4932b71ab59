"""PostgreSQL on a disk of a test's own, as the laptop starts it. It can be frozen, and killed with all it started."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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

    def __init__(self, child: Child, dsn: str) -> None:
        self.dsn = dsn
        self.child = child
        self.process = psutil.Process(child._process.pid)

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    async def freeze(self) -> None:
        """Stops every process where it is. A write that the kernel has begun ends first."""
        for process in self.processes():
            process.send_signal(signal.SIGSTOP)
        await until(lambda: all(map(_stands_still, self.processes())))

    async def kill(self) -> None:
        for process in self.processes():
            process.kill()
        await until(lambda: not self.child.alive)


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
        child = await postgres.start(binary, place, account, report=lambda line: None)
        try:
            database = Database(child, await postgres.ready(child, place))
            yield database
        finally:
            for process in psutil.Process(child._process.pid).children() if child.alive else []:
                process.send_signal(signal.SIGCONT)
            await child.stop()


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
