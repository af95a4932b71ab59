"""Background jobs: see what waits and what failed, and have it tried again. For admins."""

from collections.abc import Sequence

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Target
from folkmoot.errors import Conflict, NotFound
from folkmoot.jobs import store
from folkmoot.jobs.worker import SILENT_S
from folkmoot.modules.jobs.schemas import JobCounts, JobId, JobPage, PageOf, Retried, State, StoredJob

NAMES: dict[str, State] = {"todo": "waiting", "doing": "running", "failed": "failed"}  # ours for procrastinate's
MOST_AT_ONCE = 1000  # jobs that are started afresh together


@action(access=Access.ADMIN, reach=Reach.ALL)
async def counts(call: Call, _: Nothing) -> JobCounts:
    """How many jobs wait, run and have failed, and how many workers there are."""
    async with call.core.database.connection() as connection:
        found = await store.counts(connection)
        return JobCounts(
            waiting=found.get("todo", 0),
            running=found.get("doing", 0),
            failed=found.get("failed", 0),
            oldest_waiting_s=await store.oldest_waiting_s(connection),
            workers=await store.workers(connection, SILENT_S),
        )


@action(access=Access.ADMIN, reach=Reach.ALL)
async def failed(call: Call, given: PageOf) -> JobPage:
    """Jobs that were given up, newest first."""
    return await _page(call, given, ("failed",))


@action(access=Access.ADMIN, reach=Reach.ALL)
async def unfinished(call: Call, given: PageOf) -> JobPage:
    """Jobs that wait or run, newest first."""
    return await _page(call, given, ("todo", "doing"))


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def retry(call: Call, given: JobId) -> Done:
    """Starts a failed job afresh, with all its attempts."""
    async with call.core.database.transaction() as connection:
        if not await store.retry(connection, given.job_id):
            raise NotFound("There is no such failed job.")
        await call.note(connection, Target("job", given.job_id))
    return Done()


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def retry_all(call: Call, _: Nothing) -> Retried:
    """Starts all failed jobs afresh, a thousand at a time."""
    retried = 0
    async with call.core.database.transaction() as connection:
        for job_id in (await store.failed_ids(connection))[:MOST_AT_ONCE]:
            retried += await store.retry(connection, job_id)
        await call.note(connection, retried=retried)
    return Retried(retried=retried)


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def discard(call: Call, given: JobId) -> Done:
    """Removes a job that has failed or waits: it will not be done."""
    async with call.core.database.transaction() as connection:
        if not await store.discard(connection, given.job_id):
            if await store.is_running(connection, given.job_id):
                raise Conflict("This job runs right now. Wait until it has ended.")
            raise NotFound("There is no such job.")
        await call.note(connection, Target("job", given.job_id))
    return Done()


async def _page(call: Call, given: PageOf, states: Sequence[str]) -> JobPage:
    async with call.core.database.connection() as connection:
        found = await store.in_states(connection, states, given.before, given.limit + 1)
    jobs = [
        StoredJob(
            id=one.id,
            name=one.name,
            state=NAMES[one.state],
            attempts=one.attempts,
            given=one.given,
            deferred_at=one.deferred_at,
            since=one.since,
            due_at=one.due_at,
            error=one.error,
        )
        for one in found[: given.limit]
    ]
    return JobPage(jobs=jobs, more=len(found) > given.limit)
