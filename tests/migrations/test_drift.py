"""The schema as a whole is kept in `folkmoot/migrations/schema.sql`, to be read, and to see what a revision changes."""

from pathlib import Path

import asyncpg

from folkmoot.migrations import migrate
from scripts.schema import described
from tests.migrations.catalogue import catalogue

REMEDY = "Run `python scripts/schema.py` and look at the difference."


async def test_the_schema_that_is_written_down_is_the_one_that_revisions_make(
    empty_database: str, checkout: Path
) -> None:
    await migrate(empty_database)
    kept = (checkout / "folkmoot" / "migrations" / "schema.sql").read_text()
    assert await described(empty_database) == kept, REMEDY


async def test_the_schema_that_is_written_down_makes_the_same_database(empty_database: str, checkout: Path) -> None:
    await migrate(empty_database)
    expected = await catalogue(empty_database)
    await migrate(empty_database, "base")
    connection = await asyncpg.connect(empty_database)
    await connection.execute((checkout / "folkmoot" / "migrations" / "schema.sql").read_text())
    await connection.close()
    assert await catalogue(empty_database) == expected


async def test_a_change_that_is_not_written_down_is_seen(empty_database: str) -> None:
    await migrate(empty_database)
    before = await catalogue(empty_database)
    connection = await asyncpg.connect(empty_database)
    for change in (
        "ALTER TABLE users ADD COLUMN planted text",
        "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'x'",
        "DROP INDEX members_of_user",
        "ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey",
        "DROP TRIGGER authors_stay ON users",
        "CREATE OR REPLACE FUNCTION keep_authors() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "CREATE TYPE planted AS ENUM ('a')",
        "CREATE SEQUENCE planted_seq",
    ):
        await connection.execute(change)
        after = await catalogue(empty_database)
        assert after != before, change
        before = after
    await connection.close()
