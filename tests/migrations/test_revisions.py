"""Every revision goes up, down, and up again, and leaves exactly what it should."""

import asyncio
import contextlib
import io
import re
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from folkmoot.errors import Unavailable
from folkmoot.migrations import BASE, HEAD, NoSuchRevision, current, migrate, resolve, revisions
from folkmoot.migrations.run import HERE, offline_sql
from tests.migrations.catalogue import catalogue, relations


async def version(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return await current(connection)
    finally:
        await connection.close()


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_up_to_the_head_and_down_to_nothing(empty_database: str) -> None:
    assert await version(empty_database) == BASE
    assert await migrate(empty_database) == (BASE, revisions()[-1])
    assert await version(empty_database) == revisions()[-1]
    assert {"users", "sessions", "rooms", "members", "events"} <= set(await relations(empty_database))
    assert await migrate(empty_database, BASE) == (revisions()[-1], BASE)
    assert await relations(empty_database) == []
    assert await catalogue(empty_database) == []


async def test_each_step_down_and_up_again_leaves_the_same_schema(empty_database: str) -> None:
    steps = [BASE, *revisions()]
    snapshots = {}
    for step in steps:
        await migrate(empty_database, step)
        snapshots[step] = await catalogue(empty_database)
    assert len({tuple(snapshot) for snapshot in snapshots.values()}) == len(steps), "each revision changes something"
    for below, step in reversed(list(pairwise(steps))):
        assert await migrate(empty_database, below) == (step, below)
        assert await catalogue(empty_database) == snapshots[below], f"after the down of {step}"
        await migrate(empty_database, step)
        assert await catalogue(empty_database) == snapshots[step], f"after the down and up of {step}"
        await migrate(empty_database, below)


async def test_the_downs_work_on_a_database_in_use(empty_database: str) -> None:
    await migrate(empty_database)
    await execute(
        empty_database,
        """
        INSERT INTO users (email, password, name) VALUES ('ada@example.org', 'x', 'Ada');
        INSERT INTO sessions (user_id, token_hash, kind, address, user_agent, expires_at, idle_s)
             VALUES (1, 'x', 'browser', '', '', now(), 1);
        INSERT INTO rooms (name, visibility) VALUES ('Garden', 'open');
        INSERT INTO members (room_id, user_id) VALUES (1, 1);
        INSERT INTO events (room_id, seq, kind, author_id, client_id, created_at)
             VALUES (1, 1, 'created', 1, gen_random_uuid(), now());
        """,
    )
    for step in reversed([BASE, *revisions()[:-1]]):
        await migrate(empty_database, step)
    assert await relations(empty_database) == []


async def test_zero_is_the_empty_database(empty_database: str) -> None:
    await migrate(empty_database)
    assert await migrate(empty_database, "0") == (revisions()[-1], BASE)
    assert await relations(empty_database) == []


async def test_going_where_one_is_changes_nothing(empty_database: str) -> None:
    assert await migrate(empty_database, BASE) == (BASE, BASE)
    assert await relations(empty_database) == []
    await migrate(empty_database)
    assert await migrate(empty_database) == (revisions()[-1], revisions()[-1])


@pytest.mark.parametrize("target", ["9999", "", "1", "-1", "+1", "heads", "0001;", "nonsense"])
async def test_an_unknown_revision_is_refused_with_those_there_are(empty_database: str, target: str) -> None:
    with pytest.raises(NoSuchRevision, match=r"There are: base, 0001"):
        await migrate(empty_database, target)
    assert await relations(empty_database) == []


@pytest.mark.parametrize("target", [HEAD, "0001", BASE])
async def test_a_database_of_a_newer_folkmoot_is_left_alone(empty_database: str, target: str) -> None:
    await migrate(empty_database)
    await execute(empty_database, "UPDATE alembic_version SET version_num = '9999'")
    before = await catalogue(empty_database)
    with pytest.raises(NoSuchRevision, match="a newer Folkmoot made it"):
        await migrate(empty_database, target)
    assert await catalogue(empty_database) == before


async def test_a_step_that_fails_leaves_nothing_half_done(empty_database: str) -> None:
    await migrate(empty_database, "0002")
    await execute(empty_database, "CREATE TABLE members (what_is_this int)")  # stands in the way of 0003
    before = await catalogue(empty_database)
    with pytest.raises(Exception, match="members"):
        await migrate(empty_database)
    assert await version(empty_database) == "0002"
    assert await catalogue(empty_database) == before
    await execute(empty_database, "DROP TABLE members")
    await migrate(empty_database)


async def test_the_sql_for_an_operator_does_the_same_up_and_down(empty_database: str) -> None:
    await migrate(empty_database)
    expected = await catalogue(empty_database)
    await migrate(empty_database, BASE)
    await execute(empty_database, offline_sql())
    assert await catalogue(empty_database) == expected
    assert await version(empty_database) == revisions()[-1]
    await execute(empty_database, offline_sql(HEAD, "0001"))
    assert await version(empty_database) == "0001"
    await execute(empty_database, offline_sql("0001", HEAD))
    assert await catalogue(empty_database) == expected
    await execute(empty_database, offline_sql(HEAD, BASE))
    assert await catalogue(empty_database) == []


def test_printing_sql_says_nothing_else_and_each_step_is_a_transaction() -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        sql = offline_sql()
    assert said.getvalue() == ""
    assert sql.count("BEGIN;") == sql.count("COMMIT;") >= 1
    assert sql.strip().startswith("BEGIN;")
    with pytest.raises(NoSuchRevision):
        offline_sql("9999", HEAD)


def test_our_list_of_revisions_is_alembics_and_has_no_branch() -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    scripts = ScriptDirectory.from_config(config)
    walked = list(reversed(list(scripts.walk_revisions())))
    assert [script.revision for script in walked] == revisions()
    assert len(revisions()) >= 3
    assert scripts.get_bases() == [revisions()[0]]
    assert scripts.get_heads() == [revisions()[-1]]
    assert [script.down_revision for script in walked] == [None, *revisions()[:-1]]
    for script in walked:
        assert re.fullmatch(rf"{script.revision}_[a-z0-9_]+\.py", Path(script.path).name)
        assert script.doc


def test_names_of_revisions() -> None:
    assert resolve("0") == resolve("base") == BASE
    assert resolve(HEAD) == revisions()[-1]
    assert resolve("0002") == "0002"


async def test_two_at_once_take_turns(empty_database: str) -> None:
    results = await asyncio.gather(*(migrate(empty_database) for _ in range(4)))
    assert sorted(before for before, _ in results)[-1] == BASE
    assert {after for _, after in results} == {revisions()[-1]}
    assert [before for before, _ in results].count(BASE) == 1, "one did the work, the others waited"


async def test_a_server_that_is_not_there_is_said_in_time() -> None:
    with pytest.raises(Unavailable, match="PostgreSQL cannot be reached"):
        await migrate("postgresql://folkmoot@127.0.0.1:1/folkmoot", within_s=0.1)


async def test_a_database_that_is_not_there_is_said_at_once(empty_database: str) -> None:
    with pytest.raises(Unavailable, match="does not exist"):
        await migrate(re.sub(r"/test_\w+", "/nowhere", empty_database))
