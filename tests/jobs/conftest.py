"""Workers of a test's own, on a database of its own: jobs of other tests are none of theirs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.app import operating
from folkmoot.core import Core
from folkmoot.jobs import engine
from folkmoot.jobs.job import Registry, declared_in
from folkmoot.jobs.queue import Jobs
from folkmoot.jobs.worker import Worker
from folkmoot.laptop import Servers
from folkmoot.settings import Settings
from tests.databases import database_of_our_own
from tests.jobs.planted import jobs as planted

PATIENCE_S = 20

StartWorker = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture(scope="module")
async def workshop(settings: Settings, database_servers: Servers) -> AsyncIterator[Settings]:
    """Settings with a database that only the tests of one file use."""
    async with database_of_our_own(database_servers.dsn) as dsn:
        yield settings.model_copy(update={"database_url": SecretStr(dsn), "jobs_concurrency": 4})


@pytest.fixture
async def core(workshop: Settings) -> AsyncIterator[Core]:
    """The product with the planted jobs, and no worker yet."""
    for memory in (planted.done, planted.attempts, planted.running, planted.most_at_once):
        memory.clear()
    planted.gate = asyncio.Event()
    async with operating(workshop) as core:
        ours = [job for job in core.jobs.registry.jobs.values() if job.cron is None]  # whose hour may come in any test
        yield replace(core, jobs=Jobs(core.database, Registry([*ours, *declared_in("tests.jobs.planted")])))


@pytest.fixture
async def table(workshop: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to look at the jobs. What a test leaves there is removed."""
    connection = await asyncpg.connect(workshop.dsn)
    yield connection
    await connection.execute("DELETE FROM procrastinate_jobs")
    await connection.close()


@pytest.fixture
def start_worker(core: Core, monkeypatch: pytest.MonkeyPatch) -> StartWorker:
    """Starts a worker that looks often: `async with start_worker(concurrency=1)`."""
    monkeypatch.setattr(engine, "POLL_S", 0.05)

    @asynccontextmanager
    async def start(*, concurrency: int = 4, of: Core = core) -> AsyncIterator[Worker]:
        worker = Worker(of, concurrency=concurrency)
        worker.start()
        try:
            yield worker
        finally:
            await worker.close()

    return start


async def until(holds: Callable[[], object]) -> None:
    """Waits until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = holds()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)


async def states(table: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """The states of all jobs that the tests deferred, oldest first."""
    rows = await table.fetch("SELECT status::text FROM procrastinate_jobs WHERE task_name LIKE 'planted.%' ORDER BY id")
    return [row[0] for row in rows]


async def are(table: "asyncpg.Connection[asyncpg.Record]", expected: list[str]) -> bool:
    """Whether the jobs are in these states."""
    return await states(table) == expected
