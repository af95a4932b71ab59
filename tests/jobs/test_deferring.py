"""A job is there exactly if the change is that it belongs to."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from folkmoot.core import Core
from folkmoot.errors import Invalid
from folkmoot.jobs import engine
from folkmoot.jobs.job import UnknownJob
from tests.jobs.conftest import StartWorker, are, states, until
from tests.jobs.planted import jobs as planted

Table = asyncpg.Connection


async def test_a_deferred_job_is_done_and_leaves_nothing_behind(
    core: Core, table: Table, start_worker: StartWorker
) -> None:
    async with start_worker():
        assert await core.jobs.defer("planted.note", {"word": "seed"})
        await until(lambda: planted.done == ["seed"])
        await until(lambda: _is_empty(table))


async def _is_empty(table: Table) -> bool:
    return not await states(table)


async def test_a_job_belongs_to_the_transaction_that_defers_it(core: Core, table: Table) -> None:
    async with core.database.transaction() as connection:
        await core.jobs.defer("planted.note", {"word": "kept"}, connection=connection)
        assert await states(table) == [], "nobody sees it before the commit"
    assert await states(table) == ["todo"]


async def test_a_transaction_that_is_rolled_back_defers_nothing(core: Core, table: Table) -> None:
    with suppress(RuntimeError):
        async with core.database.transaction() as connection:
            await core.jobs.defer("planted.note", {"word": "lost"}, connection=connection)
            raise RuntimeError("changed my mind")
    assert await states(table) == []


async def test_what_a_job_is_given_is_checked_when_it_is_deferred(core: Core, table: Table) -> None:
    for given in ({}, {"word": 7}, {"word": "x", "more": 1}):
        with pytest.raises(Invalid):
            await core.jobs.defer("planted.note", given)
    with pytest.raises(UnknownJob, match=r"There is no job 'planted\.nothing'.*planted\.note"):
        await core.jobs.defer("planted.nothing", {})
    assert await states(table) == []


async def test_a_job_may_wait_for_its_time(core: Core, table: Table, start_worker: StartWorker) -> None:
    async with start_worker():
        await core.jobs.defer("planted.note", {"word": "later"}, in_s=3600)
        await core.jobs.defer("planted.note", {"word": "soon"}, in_s=0.05)
        await core.jobs.defer("planted.note", {"word": "now"})
        await until(lambda: set(planted.done) == {"now", "soon"})
        await until(lambda: are(table, ["todo"]))


async def test_none_is_put_behind_one_that_waits(core: Core, table: Table) -> None:
    async def defer() -> int | None:
        return await core.jobs.defer("planted.note", {"word": "one"}, one_by_one="here", unless_waiting=True)

    assert await defer() is not None
    assert await defer() is None
    await table.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    assert await defer() is not None, "the one that runs may have looked already"
    assert await defer() is None


async def test_jobs_of_one_line_run_in_their_order_one_at_a_time(core: Core, start_worker: StartWorker) -> None:
    words = [str(number) for number in range(10)]
    for word in words:
        await core.jobs.defer("planted.wait", {"word": word}, one_by_one="line")
    async with start_worker():
        await until(lambda: planted.running == {"0"})
        planted.gate.set()
        await until(lambda: len(planted.done) == 10)
    assert planted.done == words
    assert planted.most_at_once["wait"] == 1


async def test_a_line_goes_on_as_soon_as_it_is_free(
    core: Core, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits behind another job was announced while that one ran: nobody would look for it before the next look."""
    monkeypatch.setattr(engine, "POLL_S", 3600.0)
    async with start_worker():
        await core.jobs.defer("planted.wait", {"word": "first"}, one_by_one="line")
        await until(lambda: planted.running == {"first"})
        await core.jobs.defer("planted.wait", {"word": "second"}, one_by_one="line")
        await asyncio.sleep(0.2)  # in which it is looked for, in vain
        planted.gate.set()
        async with asyncio.timeout(4):  # procrastinate looks by itself when its heart beats, a few seconds later
            await until(lambda: planted.done == ["first", "second"])


async def test_the_others_run_side_by_side_up_to_the_bound(core: Core, start_worker: StartWorker) -> None:
    for number in range(8):
        await core.jobs.defer("planted.wait", {"word": str(number)})
    async with start_worker(concurrency=3):
        await until(lambda: len(planted.running) == 3)
        planted.gate.set()
        await until(lambda: len(planted.done) == 8)
    assert planted.most_at_once["wait"] == 3


async def test_one_that_failed_holds_up_its_line_until_its_next_attempt(core: Core, start_worker: StartWorker) -> None:
    await core.jobs.defer("planted.fail", {"word": "first", "failures": 2}, one_by_one="line")
    await core.jobs.defer("planted.note", {"word": "second"}, one_by_one="line")
    async with start_worker():
        await until(lambda: len(planted.done) == 2)
    assert planted.done == ["first", "second"]
