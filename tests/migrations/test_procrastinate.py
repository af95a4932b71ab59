"""The tables of procrastinate: its own steps make them, all of those that the installed version has."""

import asyncpg
import pytest
from procrastinate.schema import SchemaManager, migrations_path

from folkmoot.migrations import VERSIONS, migrate
from tests.migrations.catalogue import catalogue


def test_the_installed_version_has_no_step_that_no_revision_knows() -> None:
    newest = max(path.name for path in migrations_path.glob("*.sql"))
    known = [path.name for path in VERSIONS.glob("*.py") if f'"{newest}"' in path.read_text()]
    assert known, f"Write a revision that applies procrastinate's steps up to {newest}."


async def test_the_steps_make_what_its_schema_says(empty_database: str) -> None:
    def theirs(rows: list[str]) -> set[str]:
        return {" ".join(row.split()) for row in rows if "procrastinate" in row and "job_errors" not in row}

    await migrate(empty_database)
    made = theirs(await catalogue(empty_database))
    await migrate(empty_database, "base")
    connection = await asyncpg.connect(empty_database)
    await connection.execute(SchemaManager.get_schema())
    await connection.close()
    assert made == theirs(await catalogue(empty_database))
    assert len(made) > 50


@pytest.mark.parametrize("revision", ["0005"])
async def test_going_down_leaves_nothing_of_it(empty_database: str, revision: str) -> None:
    await migrate(empty_database)
    await migrate(empty_database, revision)
    assert not [row for row in await catalogue(empty_database) if "procrastinate" in row]
