"""The table refuses every change, and every removal but the pruning of what is old (S40)."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from folkmoot.actions import Call, Caller
from folkmoot.app import Node
from folkmoot.audit import store
from folkmoot.errors import Conflict
from folkmoot.jobs.job import Tick, Work
from folkmoot.modules.audit.jobs import prune
from tests.audit.words import entries, entry
from tests.people import PASSWORD, Member, assert_problem

Table = asyncpg.Connection

PLANT = """
INSERT INTO audit_entries (at, action, outcome, role, target_kind, target_id)
VALUES (now() - $1::interval, 'tests.plant', 'done', 'system', 'job', $2)
RETURNING id
"""
SAYS = "The audit log only grows"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET action = 'nothing'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        "SET folkmoot.prune_audit_before = 'infinity'; DELETE FROM audit_entries WHERE at > now() - interval '6 days'",
    ],
)
async def test_it_is_neither_changed_nor_emptied(database: Table, admin: Member, statement: str) -> None:
    await admin.http.post(f"/api/v1.0/accounts/{admin.id}/enable")
    before = await entries(admin, who=admin.id)
    assert before
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=SAYS):
        await database.execute(statement)
    assert await entries(admin, who=admin.id) == before


async def test_old_ones_are_pruned_and_that_is_an_entry(node: Node, database: Table, admin: Member) -> None:
    old = await database.fetchval(PLANT, timedelta(days=366), admin.id)
    kept = await database.fetchval(PLANT, timedelta(days=364), admin.id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=SAYS):
        await database.execute("DELETE FROM audit_entries WHERE id = $1", old)
    await prune.run(Work(node.core, 0, 0), Tick(timestamp=0))
    assert [one["id"] for one in await entries(admin, target_kind="job", target_id=admin.id)] == [kept]
    said = await entry(admin, what="audit.prune")
    assert (said["role"], said["details"]["entries"] >= 1) == ("system", True)


async def test_no_setting_removes_what_is_younger_than_a_week(node: Node, database: Table, admin: Member) -> None:
    young = await database.fetchval(PLANT, timedelta(days=6), admin.id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=SAYS):
        async with node.core.database.transaction() as connection:
            await store.prune(connection, datetime.now(UTC), 100_000)
    assert [one["id"] for one in await entries(admin, target_kind="job", target_id=admin.id)] == [young]


async def test_what_is_rolled_back_was_never_written(node: Node, admin: Member) -> None:
    """The entry is not there without the deed: they are one transaction."""
    call = Call(node.core, Caller(admin.id, "Root", "admin", 1, 60.0))
    with suppress(Conflict):
        async with node.core.database.transaction() as connection:
            await call.note(connection, action="tests.roll_back")
            raise Conflict
    assert await entries(admin, what="tests.roll_back") == []


async def test_what_clashes_is_written_down_as_refused(admin: Member, bob: Member) -> None:
    given = {"email": bob.email, "name": "Bob again", "password": PASSWORD}
    assert_problem(await admin.http.post("/api/v1.0/accounts", json=given), 409, "conflict")
    assert (await entry(admin, who=admin.id, outcome="refused", what="accounts.add"))["reason"] == "conflict"
