"""Jobs about jobs."""

import structlog

from folkmoot.jobs import store
from folkmoot.jobs.job import Tick, Work, job

log = structlog.get_logger(__name__)


@job(retries=2, cron="17 * * * *")
async def tidy(work: Work, _: Tick) -> None:
    """Removes jobs that ended long ago. Those that succeed leave nothing behind anyway."""
    async with work.core.database.connection() as connection:
        removed = await store.tidy(connection, work.core.settings.jobs_keep_failed_s)
    if removed:
        log.info("jobs.tidied", removed=removed)
