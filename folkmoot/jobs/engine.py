"""procrastinate, told about our jobs. Imported only by processes that run jobs, when they start to."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from procrastinate import App, JobContext
from procrastinate.jobs import Job as StoredJob
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker
from pydantic import BaseModel

from folkmoot.core import Core
from folkmoot.database import Database
from folkmoot.errors import Invalid, Unavailable
from folkmoot.jobs import store
from folkmoot.jobs.backoff import delay_s
from folkmoot.jobs.connector import Connector
from folkmoot.jobs.job import GiveUp, Job, Registry, Work
from folkmoot.jobs.metrics import ATTEMPTS, DURATION

log = structlog.get_logger(__name__)

# What is worth knowing of a job is said by us below.
logging.getLogger("procrastinate").setLevel(logging.CRITICAL)

POLL_S = 1.0  # between looks for jobs whose time has come; new ones are announced by PostgreSQL
HEARTBEAT_S = 10.0
LONGEST_ERROR = 2_000  # characters of an error that are kept


class _Retries(BaseRetryStrategy):
    """When the next attempt of a job is."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def get_retry_decision(self, *, exception: BaseException, job: StoredJob) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):  # the node stops: the job is somebody else's now
            return RetryDecision(retry_at=datetime.now(UTC))
        if isinstance(exception, GiveUp) or job.attempts >= self._job.retries:
            return None
        wait_s = delay_s(job.attempts, self._job.first_s, self._job.longest_s)
        return RetryDecision(retry_at=datetime.now(UTC) + timedelta(seconds=wait_s))


def build_worker(
    core: Core, registry: Registry, database: Database, *, concurrency: int, wait_s: float, drain_s: float
) -> Worker:
    """procrastinate's worker for all jobs of the registry. Successful ones leave nothing behind.

    It takes no job that it does not know: a newer node may have deferred it, and will do it. The registry must have a
    job with a timetable: procrastinate stops watching its own heartbeat where there is none.
    """
    connector = Connector(database, core.settings.dsn, wait_s=wait_s)
    app = App(connector=connector)
    for job in registry.jobs.values():
        declare = app.task(name=job.name, queue=job.name, retry=_Retries(job), pass_context=True, lock=_own_lock(job))
        task = declare(_runner(core, job, database))
        if job.cron is not None:
            app.periodic(cron=job.cron)(task)
    worker = Worker(
        app,
        queues=list(registry.jobs),
        name=None,
        concurrency=concurrency,
        fetch_job_polling_interval=POLL_S,
        abort_job_polling_interval=POLL_S,
        shutdown_graceful_timeout=drain_s,
        delete_jobs="successful",
        install_signal_handlers=False,
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=3 * HEARTBEAT_S,
    )
    connector.start_anew = worker.stop
    return worker


def _own_lock(job: Job) -> str | None:
    """A job with a timetable that takes longer than until its next time is not run twice at once."""
    return job.name if job.cron is not None else None


def _runner(core: Core, job: Job, database: Database) -> Callable[..., Coroutine[Any, Any, None]]:
    """The job as procrastinate calls it: with its input checked, timed, bounded, and its error kept."""

    async def run(context: JobContext, **given: object) -> None:
        known = core.jobs.registry.jobs.get(job.name, job)  # in development it may have been loaded again
        work = Work(core, context.job.id or 0, context.job.attempts)
        began = time.monotonic()
        outcome = "done"
        try:
            async with asyncio.timeout(job.timeout_s):
                await known.run(work, _parsed(known, given))
        except asyncio.CancelledError:
            outcome = "interrupted"
            raise
        except Exception as error:  # a job may raise anything; it is kept for the operator, and rises
            outcome = "failed"
            await _note(database, job, work, error)
            raise
        finally:
            took_s = time.monotonic() - began
            ATTEMPTS.labels(job.name, outcome).inc()
            DURATION.labels(job.name).observe(took_s)
            log.info("job.ended", job=job.name, id=work.job_id, attempt=work.attempt, outcome=outcome, took_s=took_s)

    return run


def _parsed(job: Job, given: dict[str, object]) -> BaseModel:
    try:
        return job.parse(given)
    except Invalid as error:  # of an older version, which will not fit next time either
        raise GiveUp(str(error)) from error


async def _note(database: Database, job: Job, work: Work, error: Exception) -> None:
    """Keeps what went wrong for the operator, in the database if that is possible now."""
    is_last = isinstance(error, GiveUp) or work.attempt >= job.retries
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    log.log(
        logging.ERROR if is_last else logging.WARNING,
        "job.given_up" if is_last else "job.failed",
        job=job.name,
        id=work.job_id,
        attempt=work.attempt,
        error=said,
        exc_info=error if is_last and not isinstance(error, GiveUp) else None,
    )
    try:
        async with database.connection() as connection:
            await store.note_error(connection, work.job_id, said.replace("\x00", "")[:LONGEST_ERROR])
    except Unavailable:
        log.warning("job.error_not_kept", job=job.name, id=work.job_id)
