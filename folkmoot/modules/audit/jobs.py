"""Jobs about the audit log."""

from datetime import UTC, datetime, timedelta

from folkmoot.actions import Call
from folkmoot.audit import store
from folkmoot.audit.entry import SYSTEM, Actor
from folkmoot.jobs.job import Tick, Work, job

AT_ONCE = 5_000


@job(retries=2, cron="41 3 * * *", timeout_s=600)
async def prune(work: Work, _: Tick) -> None:
    """Removes entries that are older than the operator keeps them, and says so in the log itself."""
    before = datetime.now(UTC) - timedelta(days=work.core.settings.audit_days)
    removed = AT_ONCE
    while removed == AT_ONCE:
        async with work.core.database.transaction() as connection:
            removed = await store.prune(connection, before, AT_ONCE)
            if removed:
                await Call(work.core).note(connection, action="audit.prune", by=Actor(SYSTEM), entries=removed)
