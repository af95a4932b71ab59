"""Jobs from the command line."""

import asyncpg

from tests.cli.conftest import Run


async def test_failed_jobs_are_listed_and_started_afresh(operate: Run, empty_database: str) -> None:
    assert (await operate("jobs", "list")).out == "0 waiting, 0 running, 0 failed, 0 workers.\n"
    connection = await asyncpg.connect(empty_database)
    for word in ("one", "two"):
        await connection.execute(
            """
            WITH made AS (
                INSERT INTO procrastinate_jobs (queue_name, task_name, status, attempts)
                VALUES ('shop.remind', 'shop.remind', 'failed', 6) RETURNING id
            )
            INSERT INTO job_errors (job_id, error) SELECT id, $1 FROM made
            """,
            f"no [red]{word}",
        )
    await connection.close()
    listed = (await operate("jobs", "list")).out
    assert listed.startswith("0 waiting, 0 running, 2 failed, 0 workers.\n")
    newest, oldest = (line.split() for line in listed.splitlines()[2:])
    assert (newest[1:3], newest[-2:]) == (["shop.remind", "6"], ["no", "[red]two"])
    assert (await operate("jobs", "retry", oldest[0])).out == "1 started afresh.\n"
    assert (await operate("jobs", "retry", oldest[0])).refusal() == "There is no such failed job."
    assert (await operate("jobs", "retry")).out == "1 started afresh.\n"
    assert (await operate("jobs", "list")).out == "2 waiting, 0 running, 0 failed, 0 workers.\n"


async def test_a_worker_needs_databases_and_something_to_do(run: Run, operate: Run) -> None:
    assert "Set DATABASE_URL and REDIS_URL" in (await run("work")).refusal()
    refused = await operate("work", FOLKMOOT_JOBS_CONCURRENCY="0")
    assert refused.refusal().startswith("FOLKMOOT_JOBS_CONCURRENCY is 0")
