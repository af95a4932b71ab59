"""The operator sees what waits and what failed, and has it tried again."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from folkmoot.app import Node
from folkmoot.core import Core
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.jobs.conftest import StartWorker, states, until
from tests.jobs.planted import jobs as planted
from tests.people import Member, assert_problem, enrol, visiting

Table = asyncpg.Connection
ADDRESSES = [
    ("GET", "/api/v1.0/jobs"),
    ("GET", "/api/v1.0/jobs/failed"),
    ("GET", "/api/v1.0/jobs/unfinished"),
    ("POST", "/api/v1.0/jobs/retry"),
    ("POST", "/api/v1.0/jobs/1/retry"),
    ("DELETE", "/api/v1.0/jobs/1"),
]


@pytest.fixture(scope="module")
async def idle(start: Start, workshop: Settings) -> AsyncIterator[Node]:
    """A node on the same database that does no jobs itself."""
    async with start(database_url=workshop.database_url, jobs_concurrency=0) as node:
        yield node


@pytest.fixture
async def root(idle: Node) -> AsyncIterator[Member]:
    async with enrol(idle, "Root", "admin") as member:
        yield member


async def fail(core: Core, table: Table, start_worker: StartWorker, *words: str) -> None:
    for word in words:
        await core.jobs.defer("planted.give_up", {"word": word})

    async def all_failed() -> bool:
        return await states(table) == ["failed"] * len(words)

    async with start_worker():
        await until(all_failed)


async def test_failures_are_listed_with_their_error_newest_first(
    core: Core, table: Table, start_worker: StartWorker, root: Member
) -> None:
    await fail(core, table, start_worker, "one", "two", "three")
    page = (await root.http.get("/api/v1.0/jobs/failed", params={"limit": 2})).json()
    assert [job["given"] for job in page["jobs"]] == ['{"word": "three"}', '{"word": "two"}']
    assert page["more"] is True
    first = page["jobs"][0]
    assert (first["name"], first["state"], first["attempts"]) == ("planted.give_up", "failed", 1)
    assert first["error"] == "GiveUp: it will never be possible"
    rest = (await root.http.get("/api/v1.0/jobs/failed", params={"before": page["jobs"][-1]["id"]})).json()
    assert [job["given"] for job in rest["jobs"]] == ['{"word": "one"}']
    assert rest["more"] is False
    counts = (await root.http.get("/api/v1.0/jobs")).json()
    assert (counts["waiting"], counts["running"], counts["failed"]) == (0, 0, 3)


async def test_what_waits_and_runs_is_listed(core: Core, table: Table, start_worker: StartWorker, root: Member) -> None:
    async with start_worker(concurrency=1):
        await core.jobs.defer("planted.wait", {"word": "running"})
        await core.jobs.defer("planted.note", {"word": "waiting"}, in_s=3600)
        await until(lambda: planted.running == {"running"})
        found = (await root.http.get("/api/v1.0/jobs/unfinished")).json()["jobs"]
        assert [(job["name"], job["state"]) for job in found] == [
            ("planted.note", "waiting"),
            ("planted.wait", "running"),
        ]
        assert found[0]["due_at"] is not None
        counts = (await root.http.get("/api/v1.0/jobs")).json()
        assert (counts["waiting"], counts["running"], counts["failed"], counts["workers"]) == (1, 1, 0, 1)
        assert counts["oldest_waiting_s"] == 0, "it is not due"
        assert_problem(await root.http.delete(f"/api/v1.0/jobs/{found[1]['id']}"), 409, "conflict")
        planted.gate.set()


async def test_a_failed_job_is_started_afresh_with_all_its_attempts(
    core: Core, table: Table, start_worker: StartWorker, root: Member
) -> None:
    await core.jobs.defer("planted.fail", {"word": "salt", "failures": 7})
    job_id = await table.fetchval("SELECT max(id) FROM procrastinate_jobs")

    async def failed() -> bool:
        return await states(table) == ["failed"]

    async with start_worker():
        await until(failed)
        planted.attempts["salt"] = 0
        assert (await root.http.post(f"/api/v1.0/jobs/{job_id}/retry")).status_code == 204
        await until(failed)
    assert planted.attempts["salt"] == 4


async def test_all_are_started_afresh_together(
    core: Core, table: Table, start_worker: StartWorker, root: Member
) -> None:
    await fail(core, table, start_worker, "one", "two")
    assert (await root.http.post("/api/v1.0/jobs/retry")).json() == {"retried": 2}
    assert await states(table) == ["todo", "todo"]
    assert (await root.http.post("/api/v1.0/jobs/retry")).json() == {"retried": 0}


async def test_a_failed_job_is_discarded(core: Core, table: Table, start_worker: StartWorker, root: Member) -> None:
    await fail(core, table, start_worker, "one")
    job_id = await table.fetchval("SELECT max(id) FROM procrastinate_jobs")
    assert (await root.http.delete(f"/api/v1.0/jobs/{job_id}")).status_code == 204
    assert await states(table) == []
    assert_problem(await root.http.delete(f"/api/v1.0/jobs/{job_id}"), 404, "not_found")
    assert_problem(await root.http.post(f"/api/v1.0/jobs/{job_id}/retry"), 404, "not_found")


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
async def test_jobs_are_for_admins(idle: Node, method: str, address: str) -> None:
    async with enrol(idle, "Ada") as ada, visiting(idle) as visitor:
        assert_problem(await ada.http.request(method, address), 403, "forbidden")
        assert_problem(await visitor.request(method, address), 401, "not_signed_in")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=0", "before=-1", "what=1"])
async def test_a_page_that_cannot_be_is_refused(root: Member, query: str) -> None:
    assert_problem(await root.http.get(f"/api/v1.0/jobs/failed?{query}"), 400, "invalid")
