"""The SQL of jobs, over the tables and functions of procrastinate (decision 10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from folkmoot.database import Connection


@dataclass(frozen=True, slots=True)
class Stored:
    """A job, as it stands in the database. `since` is when it came into its state."""

    id: int
    name: str
    state: str
    attempts: int
    given: str
    deferred_at: datetime
    since: datetime
    due_at: datetime | None
    error: str | None


async def defer(connection: Connection, name: str, given: str, in_s: float, lock: str | None) -> int:
    """Adds a job, whose queue is named after it.

    It has no queueing lock: with one procrastinate could not put a job back while another one waits.
    """
    (job_id,) = await connection.fetchval(
        """
        SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
            $1::varchar, $1::varchar, 0, $2::text, NULL, $3::text::jsonb,
            CASE WHEN $4::float8 > 0 THEN now() + make_interval(secs => $4::float8) END
        )::procrastinate_job_to_defer_v1])
        """,
        name,
        lock,
        given,
        in_s,
    )
    return int(job_id)


async def check(connection: Connection) -> None:
    """Asks whether the server is still there. Raises what the driver raises when it is not."""
    await connection.fetchval("SELECT true")


async def is_waiting(connection: Connection, lock: str) -> bool:
    """Whether a job of that lock waits to be started."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM procrastinate_jobs WHERE lock = $1 AND status = 'todo')", lock
        )
    )


async def note_error(connection: Connection, job_id: int, error: str) -> None:
    """Remembers what went wrong with the last attempt of a job."""
    await connection.execute(
        """
        INSERT INTO job_errors (job_id, error)
        SELECT id, $2 FROM procrastinate_jobs WHERE id = $1
        ON CONFLICT (job_id) DO UPDATE SET error = excluded.error, at = excluded.at
        """,
        job_id,
        error,
    )


async def rescue(connection: Connection, silent_s: float, retries: dict[str, int]) -> tuple[list[int], list[int]]:
    """Jobs whose worker has been silent for that long: gives them to others, or fails those tried too often.

    `retries` says how often a job of that name is repeated. Returns the ids of both kinds. Must be in a transaction.
    """
    rows = await connection.fetch(
        """
        SELECT id, task_name, attempts
          FROM procrastinate_jobs
         WHERE status = 'doing'
           AND (worker_id IS NULL OR worker_id IN (
                SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => $1)))
           FOR UPDATE SKIP LOCKED
        """,
        silent_s,
    )
    again = [row["id"] for row in rows if row["attempts"] < retries.get(row["task_name"], 0)]
    given_up = [row["id"] for row in rows if row["id"] not in again]
    await connection.execute(
        "SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM unnest($1::bigint[]) AS id", again
    )
    await connection.execute(
        "SELECT procrastinate_finish_job_v1(id, 'failed', false) FROM unnest($1::bigint[]) AS id", given_up
    )
    await connection.execute("SELECT procrastinate_prune_stalled_workers_v1($1)", silent_s)
    return again, given_up


async def counts(connection: Connection) -> dict[str, int]:
    """How many jobs there are in each of procrastinate's states that has any."""
    rows = await connection.fetch("SELECT status::text, count(*) AS count FROM procrastinate_jobs GROUP BY status")
    return {row["status"]: row["count"] for row in rows}


async def oldest_waiting_s(connection: Connection) -> float:
    """For how long the job that is due longest has waited, in seconds; 0 when none is due."""
    waited: float = await connection.fetchval(
        """
        SELECT coalesce(max(extract(epoch FROM now() - coalesce(j.scheduled_at, e.at))), 0)::float8
          FROM procrastinate_jobs j
          JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
         WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
        """
    )
    return max(0.0, waited)


async def workers(connection: Connection, silent_s: float) -> int:
    """How many workers have given a sign of life within that time."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat >= now() - make_interval(secs => $1)",
            silent_s,
        )
    )


async def in_states(connection: Connection, states: Sequence[str], before: int, limit: int) -> list[Stored]:
    """The newest jobs in any of the states whose ids are below `before`, newest first."""
    rows = await connection.fetch(
        """
        SELECT j.id, j.task_name AS name, j.status::text AS state, j.attempts, j.args::text AS given,
               j.scheduled_at AS due_at, e.error,
               coalesce((SELECT min(at) FROM procrastinate_events WHERE job_id = j.id AND type = 'deferred'), now())
                   AS deferred_at,
               coalesce((SELECT max(at) FROM procrastinate_events WHERE job_id = j.id AND type <> 'scheduled'), now())
                   AS since
          FROM procrastinate_jobs j
          LEFT JOIN job_errors e ON e.job_id = j.id
         WHERE j.status::text = ANY($1::text[]) AND j.id < $2
         ORDER BY j.id DESC
         LIMIT $3
        """,
        list(states),
        before,
        limit,
    )
    return [Stored(**row) for row in rows]


async def retry(connection: Connection, job_id: int) -> bool:
    """Starts a failed job afresh, with all its attempts; False when it is not a failed job."""
    if not await connection.fetchval(
        "SELECT true FROM procrastinate_jobs WHERE id = $1 AND status = 'failed' FOR UPDATE", job_id
    ):
        return False
    await connection.execute("SELECT procrastinate_retry_job_v2($1, NULL, NULL, NULL, NULL)", job_id)
    await connection.execute("UPDATE procrastinate_jobs SET attempts = 0 WHERE id = $1", job_id)
    await _call_workers(connection, job_id)
    return True


async def forget(connection: Connection, lock: str) -> None:
    """Removes the waiting and the failed jobs of a lock."""
    await connection.execute("DELETE FROM procrastinate_jobs WHERE lock = $1 AND status IN ('todo', 'failed')", lock)


async def _call_workers(connection: Connection, job_id: int) -> None:
    """Has a worker look for the job now. By itself only a new job does that, and others wait for the next look."""
    await connection.execute(
        """
        SELECT pg_notify('procrastinate_queue_v1#' || queue_name,
                         json_build_object('type', 'job_inserted', 'job_id', id)::text)
          FROM procrastinate_jobs
         WHERE id = $1
        """,
        job_id,
    )


async def failed_ids(connection: Connection) -> list[int]:
    """The ids of all failed jobs, oldest first."""
    rows = await connection.fetch("SELECT id FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id")
    return [row["id"] for row in rows]


async def discard(connection: Connection, job_id: int) -> bool:
    """Removes a failed or waiting job; False when there is none such."""
    return bool(
        await connection.fetchval(
            "DELETE FROM procrastinate_jobs WHERE id = $1 AND status IN ('failed', 'todo') RETURNING true", job_id
        )
    )


async def is_running(connection: Connection, job_id: int) -> bool:
    """Whether a worker is at this job now."""
    return bool(
        await connection.fetchval("SELECT true FROM procrastinate_jobs WHERE id = $1 AND status = 'doing'", job_id)
    )


async def tidy(connection: Connection, older_than_s: float) -> int:
    """Removes jobs that have ended, in whatever way, longer ago than that. Returns how many."""
    rows = await connection.fetch(
        """
        DELETE FROM procrastinate_jobs j
         WHERE j.status NOT IN ('todo', 'doing')
           AND NOT EXISTS (SELECT FROM procrastinate_events e
                            WHERE e.job_id = j.id AND e.at > now() - make_interval(secs => $1))
        RETURNING j.id
        """,
        older_than_s,
    )
    return len(rows)
