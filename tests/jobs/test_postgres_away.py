"""PostgreSQL goes away and comes back: the worker waits, without a storm, and goes on."""

from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.core import Core
from folkmoot.jobs import worker as jobs
from folkmoot.jobs.worker import Worker
from folkmoot.settings import Settings
from tests.jobs.conftest import StartWorker, are, until
from tests.jobs.planted import jobs as planted
from tests.relay import relay_of_postgres

Table = asyncpg.Connection

END_WHO_WAITS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def test_the_worker_comes_back_with_postgresql(
    core: Core,
    workshop: Settings,
    table: Table,
    start_worker: StartWorker,
    short_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts = 0
    work = Worker._work

    async def counted(self: Worker) -> None:
        nonlocal starts
        starts += 1
        await work(self)

    monkeypatch.setattr(Worker, "_work", counted)
    monkeypatch.setattr(jobs, "RETRY_S", (0.1, 0.2, 0.4))
    async with relay_of_postgres(short_path, workshop.dsn) as (line, dsn):
        over = replace(core, settings=core.settings.model_copy(update={"database_url": SecretStr(dsn)}))
        async with start_worker(of=over) as worker:
            await core.jobs.defer("planted.note", {"word": "before"})
            await until(lambda: planted.done == ["before"])
            await until(lambda: are(table, []))
            await line.cut()
            await until(lambda: starts >= 3)
            assert not any(task.done() for task in worker._tasks), "it waits"
            await core.jobs.defer("planted.note", {"word": "meanwhile"})
            assert await are(table, ["todo"])
            await line.mend()
            await until(lambda: planted.done == ["before", "meanwhile"])
            assert starts < 40


async def test_a_job_whose_end_could_not_be_written_down_is_done_again(
    core: Core, table: Table, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RETRY_S", (0.1,))
    async with start_worker():
        await core.jobs.defer("planted.wait", {"word": "once"})
        await until(lambda: planted.running)
        async with table.transaction():
            await table.execute("SELECT FROM procrastinate_jobs WHERE task_name = 'planted.wait' FOR UPDATE")
            planted.gate.set()
            await until(lambda: table.fetchval(END_WHO_WAITS))
        await until(lambda: are(table, []))
    assert planted.attempts["once"] == 2
