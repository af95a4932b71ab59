"""What fails is tried again, later each time, and then kept for the operator."""

import asyncio
import statistics

import asyncpg
import pytest

from folkmoot.actions import Input
from folkmoot.core import Core
from folkmoot.jobs import store
from folkmoot.jobs.backoff import delay_s
from folkmoot.jobs.job import Work, job
from folkmoot.jobs.metrics import ATTEMPTS
from tests.jobs.conftest import StartWorker, states, until
from tests.jobs.planted import jobs as planted

Table = asyncpg.Connection


async def error_of(table: Table) -> str:
    return str(await table.fetchval("SELECT error FROM job_errors"))


async def has_failed(table: Table) -> bool:
    return await states(table) == ["failed"]


def test_delays_double_up_to_the_longest_and_are_spread() -> None:
    for attempt, exact in enumerate((5, 10, 20, 40, 60, 60)):
        drawn = [delay_s(attempt, 5, 60) for _ in range(400)]
        assert exact * 0.75 <= min(drawn) < max(drawn) <= exact * 1.25
        assert abs(statistics.mean(drawn) - exact) < exact * 0.1
        assert len(set(drawn)) > 300
    assert delay_s(10**6, 5, 60) <= 75


async def test_a_job_that_fails_is_tried_again(core: Core, table: Table, start_worker: StartWorker) -> None:
    await core.jobs.defer("planted.fail", {"word": "bread", "failures": 3})
    async with start_worker():
        await until(lambda: planted.done == ["bread"])
    assert planted.attempts["bread"] == 4


async def test_it_is_kept_with_its_error_when_all_attempts_have_failed(
    core: Core, table: Table, start_worker: StartWorker
) -> None:
    before = ATTEMPTS.labels("planted.fail", "failed")._value.get()
    await core.jobs.defer("planted.fail", {"word": "wine", "failures": 99})
    async with start_worker():
        await until(lambda: has_failed(table))
    assert planted.attempts["wine"] == 4, "the first and three more"
    assert await error_of(table) == "RuntimeError: no wine"
    assert ATTEMPTS.labels("planted.fail", "failed")._value.get() == before + 4


async def test_a_job_may_say_that_trying_again_is_in_vain(core: Core, table: Table, start_worker: StartWorker) -> None:
    await core.jobs.defer("planted.give_up", {"word": "moon"})
    async with start_worker():
        await until(lambda: has_failed(table))
    assert planted.attempts["moon"] == 1
    assert await error_of(table) == "GiveUp: it will never be possible"


async def test_an_attempt_takes_no_longer_than_it_may(core: Core, table: Table, start_worker: StartWorker) -> None:
    await core.jobs.defer("planted.take_too_long", {"word": "now"})
    async with start_worker():
        await until(lambda: has_failed(table))
    assert await error_of(table) == "TimeoutError"


async def test_input_that_fits_no_more_is_failed_at_once(core: Core, table: Table, start_worker: StartWorker) -> None:
    await store.defer(table, "planted.note", '{"old": 1}', 0, None)
    async with start_worker():
        await until(lambda: has_failed(table))
    assert "Missing data for required field." in await error_of(table)


async def test_a_job_of_a_newer_version_is_left_to_newer_nodes(
    core: Core, table: Table, start_worker: StartWorker
) -> None:
    await store.defer(table, "planted.unheard_of", "{}", 0, None)
    async with start_worker():
        await core.jobs.defer("planted.note", {"word": "known"})
        await until(lambda: planted.done == ["known"])
    assert await states(table) == ["todo"]


async def test_what_runs_when_a_node_stops_is_put_back_and_not_lost(
    core: Core, table: Table, start_worker: StartWorker
) -> None:
    await core.jobs.defer("planted.wait", {"word": "long"})
    async with start_worker():
        await until(lambda: planted.running == {"long"})
    assert await states(table) == ["todo"]
    async with start_worker():
        await until(lambda: planted.running == {"long"})
        planted.gate.set()
        await until(lambda: planted.done == ["long"])
    assert planted.attempts["long"] == 2


async def test_what_is_nearly_done_when_a_node_stops_ends(core: Core, table: Table, start_worker: StartWorker) -> None:
    await core.jobs.defer("planted.wait", {"word": "short"})
    async with start_worker() as worker:
        await until(lambda: planted.running == {"short"})
        worker.stop()
        asyncio.get_running_loop().call_later(0.05, planted.gate.set)
    assert planted.done == ["short"]
    assert await states(table) == []


async def test_jobs_of_a_worker_that_died_are_done_by_others(
    core: Core, table: Table, start_worker: StartWorker
) -> None:
    """As after kill -9: the job is marked as running, and nobody gives a sign of life."""
    await core.jobs.defer("planted.note", {"word": "orphan"})
    await core.jobs.defer("planted.fail", {"word": "poison", "failures": 0})
    await _plant_dead_worker(table)
    await table.execute("UPDATE procrastinate_jobs SET attempts = 3 WHERE task_name = 'planted.fail'")
    async with core.database.transaction() as connection:
        again, given_up = await store.rescue(connection, 30, {"planted.note": 5, "planted.fail": 3})
    assert (len(again), len(given_up)) == (1, 1)
    assert await states(table) == ["todo", "failed"], "what kills its worker each time is given up"
    async with start_worker():
        await until(lambda: planted.done == ["orphan"])


async def test_jobs_of_a_worker_that_lives_are_left_alone(core: Core, table: Table) -> None:
    await core.jobs.defer("planted.note", {"word": "mine"})
    await _plant_dead_worker(table, silent_s=5)
    async with core.database.transaction() as connection:
        assert await store.rescue(connection, 30, {"planted.note": 5}) == ([], [])
    assert await states(table) == ["doing"]


async def _plant_dead_worker(table: Table, silent_s: float = 31) -> None:
    worker_id = await table.fetchval(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => $1)) RETURNING id",
        silent_s,
    )
    await table.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = $1", worker_id)


async def test_jobs_that_ended_long_ago_are_removed(core: Core, table: Table) -> None:
    for word in ("old", "new", "waiting"):
        await core.jobs.defer("planted.note", {"word": word})
    await table.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE args->>'word' <> 'waiting'")
    await table.execute(
        """
        UPDATE procrastinate_events SET at = now() - interval '8 days'
         WHERE job_id IN (SELECT id FROM procrastinate_jobs WHERE args->>'word' IN ('old', 'waiting'))
        """
    )
    assert await store.tidy(table, 7 * 86_400) == 1
    left = await table.fetch("SELECT args->>'word' AS word FROM procrastinate_jobs ORDER BY id")
    assert [row["word"] for row in left] == ["new", "waiting"]


def test_a_name_that_postgresql_cannot_listen_to_is_refused() -> None:
    class Anything(Input):
        pass

    async def a_function_with_a_name_that_goes_on_and_on(work: Work, given: Anything) -> None:
        raise AssertionError

    with pytest.raises(ValueError, match="longer than 40 bytes"):
        job()(a_function_with_a_name_that_goes_on_and_on)
