"""Runs jobs in this process: procrastinate's worker, watched, and started again when PostgreSQL comes back."""

import asyncio
import random
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from folkmoot.core import Core
from folkmoot.database import Database
from folkmoot.errors import Unavailable
from folkmoot.jobs import store
from folkmoot.jobs.metrics import OLDEST_WAITING, RESCUED, STATES
from folkmoot.tasks import end

if TYPE_CHECKING:
    from procrastinate.worker import Worker as Engine

log = structlog.get_logger(__name__)

CONNECTIONS = 2  # of PostgreSQL: one to work with, one that listens for new jobs
WAIT_S = 5.0  # for PostgreSQL; nobody waits for us, so it may be longer than for a request
RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # before the next start, by how many in a row have failed
PUT_BACK_S = 2.0  # what does not end in time is put back; a PostgreSQL that hangs is waited for no longer
STEADY_S = 30.0  # who ran that long did not fail to start
LOOK_S = 15.0  # between looks at jobs of workers that died
SILENT_S = 30.0  # a worker without a sign of life for that long has died

STATES_SHOWN = {"todo": "waiting", "doing": "running", "failed": "failed"}


class Worker:
    """The process's one worker: an owned task with an end."""

    def __init__(self, core: Core, *, concurrency: int) -> None:
        self._core = core
        self._concurrency = concurrency
        self._database = Database(core.settings.dsn, size=1, wait_s=WAIT_S)
        self._engine: Engine | None = None
        self._takes_jobs = False
        self._stopping = asyncio.Event()
        self._ends_at = 0.0  # once we stop, on the monotonic clock
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_working(self) -> bool:
        """Whether it takes jobs: not while PostgreSQL is away, and not once it is told to stop."""
        return self._takes_jobs and not self.is_stopping

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(), name="jobs"),
            asyncio.create_task(self._look_after_all(), name="jobs-look-after"),
        ]

    def stop(self) -> None:
        """Takes no further job. Those that run may end within `drain_s`; then they are put back for others."""
        if not self._stopping.is_set():
            self._ends_at = time.monotonic() + self._core.settings.drain_s + PUT_BACK_S
        self._stopping.set()
        if self._engine is not None:
            self._engine.stop()  # type: ignore[no-untyped-call]  # procrastinate

    async def close(self) -> None:
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=max(0.0, self._ends_at - time.monotonic()))
        await end(self._tasks)
        await self._database.close()

    async def _run(self) -> None:
        """Keeps a worker until we stop. What ends it early is a PostgreSQL that is away: then it waits, ever longer."""
        failures = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            why = "a part of it lost PostgreSQL"
            try:
                await self._work()
            except Exception as error:  # a node without jobs is still a node
                why = str(error) or type(error).__name__
            if self._stopping.is_set():
                return
            failures = 0 if loop.time() - began > STEADY_S else failures + 1
            wait_s = RETRY_S[min(max(failures, 1), len(RETRY_S)) - 1] * random.uniform(0.75, 1.25)  # noqa: S311
            log.warning("jobs.away", error=why, again_in_s=round(wait_s, 1))
            await self._pause(wait_s)

    async def _work(self) -> None:
        engine: Any = await asyncio.to_thread(import_module, "folkmoot.jobs.engine")
        await self._database.open(within_s=0)
        self._engine = engine.build_worker(
            self._core,
            self._core.jobs.registry,
            self._database,
            concurrency=self._concurrency,
            wait_s=WAIT_S,
            drain_s=self._core.settings.drain_s,
        )
        try:
            await look_after(self._core, self._database)  # whoever ran here before may have died
            if not self._stopping.is_set():
                self._takes_jobs = True
                await self._engine.run()
        finally:
            self._takes_jobs = False
            self._engine = None
            await self._database.close()

    async def _look_after_all(self) -> None:
        """Gives the jobs of dead workers to others, and counts."""
        while not self._stopping.is_set():
            await self._pause(LOOK_S * random.uniform(0.75, 1.25))  # noqa: S311  # nodes do not look at the same moment
            try:
                await look_after(self._core, self._database)
            except Unavailable:
                continue  # said by whoever tries to work
            except Exception:  # who looks after the others must not die of one look
                log.exception("jobs.look_after_failed")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def look_after(core: Core, database: Database) -> None:
    """Rescues the jobs of workers that died, and measures how many jobs there are."""
    retries = {job.name: job.retries for job in core.jobs.registry.jobs.values()}
    async with database.transaction() as connection:
        again, given_up = await store.rescue(connection, SILENT_S, retries)
        for job_id in given_up:
            await store.note_error(connection, job_id, "The process that ran it died, as often as it was tried.")
    if again or given_up:
        RESCUED.inc(len(again))
        log.warning("jobs.rescued", again=again, given_up=given_up)
    async with database.connection() as connection:
        counts, waited_s = await store.counts(connection), await store.oldest_waiting_s(connection)
    for state, name in STATES_SHOWN.items():
        STATES.labels(name).set(counts.get(state, 0))
    OLDEST_WAITING.set(waited_s)
