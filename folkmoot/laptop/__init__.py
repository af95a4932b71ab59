"""PostgreSQL and Valkey for one machine: real servers from wheels, as children of this process.

    data/postgres    the database, made once: in `postgres.new`, and renamed when it is whole
    data/run         both sockets, for nobody but us; elsewhere when the path is too long for a socket
    data/log         what the servers say
    data/lock        held while we run, so that only one Folkmoot uses the folder

Neither server listens on a network. They sit in sessions of their own, so Ctrl-C reaches only us and we
stop them in order; when we die without a word, a guardian stops them (see `child.py`), and whatever is left
all the same is stopped by the next start.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from folkmoot.laptop import postgres, valkey
from folkmoot.laptop.account import choose_account
from folkmoot.laptop.binaries import Binary, find_postgres, find_valkey
from folkmoot.laptop.folder import claim, claimed, locate
from folkmoot.laptop.problems import LaptopError

__all__ = ["LaptopError", "Servers", "running", "servers"]


@dataclass(frozen=True)
class Servers:
    """Where the two servers are; `found` holds the binaries of those that we started."""

    dsn: str
    redis_url: str
    found: tuple[Binary, ...] = ()


@asynccontextmanager
async def servers(
    data: Path, *, dsn: str = "", redis_url: str = "", report: Callable[[str], None]
) -> AsyncIterator[Servers]:
    """Starts what is not given by `dsn` and `redis_url`, and stops it when the block is left.

    Raises LaptopError, whose message says what to do. When a server dies while the block runs, the block is
    cancelled and LaptopError is raised in its place.
    """
    if dsn and redis_url:
        yield Servers(dsn, redis_url)
        return
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(claim(data))
        watch = await stack.enter_async_context(_Watch())
        found = []
        if not dsn:
            binary = find_postgres()
            account = choose_account(folder, binary.path)
            database = await postgres.start(binary, folder, account, report)
            stack.push_async_callback(database.stop)
            dsn = await postgres.ready(database, folder)
            database.when_it_dies(watch.failed)
            found.append(binary)
        if not redis_url:
            binary = find_valkey()
            report(f"Starting {binary.title}")
            cache = await valkey.start(binary, folder, choose_account(folder, binary.path))
            stack.push_async_callback(cache.stop)
            redis_url = await valkey.ready(cache, folder)
            cache.when_it_dies(watch.failed)
            found.append(binary)
        yield Servers(dsn, redis_url, tuple(found))


def running(data: Path) -> Servers | None:
    """The servers of the Folkmoot that uses this data folder now, for other commands to talk to them."""
    folder = locate(data)
    if not claimed(folder):
        return None
    dsn = postgres.address(folder) if (folder.run / ".s.PGSQL.5432").exists() else ""
    redis_url = valkey.address(folder) if (folder.run / "valkey.sock").exists() else ""
    return Servers(dsn, redis_url)


class _Watch:
    """Ends the block of the task that entered it as soon as a child under watch dies by itself."""

    def __init__(self) -> None:
        self._owner: asyncio.Task[object] | None = None
        self._failure: LaptopError | None = None

    async def __aenter__(self) -> "_Watch":
        self._owner = asyncio.current_task()
        return self

    def failed(self, failure: LaptopError) -> None:
        if self._failure is None:
            self._failure = failure
            if self._owner is not None:
                self._owner.cancel()

    async def __aexit__(self, *_: object) -> None:
        if self._failure is None:
            return
        if self._owner is asyncio.current_task() and self._owner is not None and self._owner.uncancel() > 0:
            return  # somebody else cancels this task as well, and that must stay a cancellation
        raise self._failure from None
