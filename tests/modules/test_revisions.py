"""Tables of modules: made at a start, by `migrate`, and taken away with everything else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.app import running
from folkmoot.commands import migrate_to, prepare
from folkmoot.errors import CommandFailed
from folkmoot.listening import listen
from folkmoot.settings import Settings
from tests.modules.written import write_module

FIRST = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA plants")
    op.execute("CREATE TABLE plants.trees (name text PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP SCHEMA plants CASCADE")
"""
SECOND = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE plants.trees ADD height int")


def downgrade() -> None:
    op.execute("ALTER TABLE plants.trees DROP height")
"""
BROKEN = SECOND.replace("ADD height", "ADD height no_such_type, ADD width")


@pytest.fixture
def planted(settings: Settings, empty_database: str, tmp_path: Path) -> Settings:
    """Settings with a module that has a table, and a database of its own to put it in."""
    folder = write_module(tmp_path / "plants", **{"migrations/0001_trees": FIRST})
    return settings.model_copy(update={"database_url": SecretStr(empty_database), "modules": (str(folder),)})


@pytest.fixture
async def inside(empty_database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(empty_database)
    yield connection
    await connection.close()


def add(planted: Settings, name: str, text: str) -> None:
    (Path(planted.modules[0]) / "migrations" / f"{name}.py").write_text(text)


async def revision_in(inside: "asyncpg.Connection[asyncpg.Record]") -> str:
    return str(await inside.fetchval("SELECT version_num FROM folkmoot_module_plants"))


async def modules_are_well(settings: Settings) -> bool:
    """Starts a node, and asks whether the module is there."""
    async with running(settings, listen(settings)) as node:
        return "plants.say" in node.core.registry.actions


async def test_a_start_makes_the_tables_beside_ours(
    planted: Settings, inside: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await asyncio.gather(*(prepare(planted, migrate_first=True) for _ in range(3)))  # as several servers would
    assert await revision_in(inside) == "0001"
    assert await inside.fetchval("SELECT count(*) FROM plants.trees") == 0
    assert await inside.fetchval("SELECT count(*) FROM alembic_version") == 1
    assert await modules_are_well(planted)


async def test_migrate_goes_on_from_where_it_was_and_loses_nothing(
    planted: Settings, inside: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await migrate_to(planted, "head", lose_data=False)
    await inside.execute("INSERT INTO plants.trees VALUES ('oak')")
    add(planted, "0002_height", SECOND)
    assert not await modules_are_well(planted), "it would meet tables that it does not know"
    await migrate_to(planted, "head", lose_data=False)
    assert dict(*await inside.fetch("SELECT * FROM plants.trees")) == {"name": "oak", "height": None}
    assert await modules_are_well(planted)


async def test_a_revision_that_fails_leaves_the_tables_and_the_others_alone(
    planted: Settings, inside: "asyncpg.Connection[asyncpg.Record]", capsys: pytest.CaptureFixture[str]
) -> None:
    await prepare(planted, migrate_first=True)
    add(planted, "0002_height", BROKEN)
    await prepare(planted, migrate_first=True)
    assert await revision_in(inside) == "0001"
    assert not await modules_are_well(planted)
    said = capsys.readouterr()
    assert "0002_height.py:9" in said.out + said.err
    with pytest.raises(CommandFailed, match=r"'plants' is not loaded.*0002_height.py:9"):
        await prepare(planted.model_copy(update={"modules_strict": True}), migrate_first=True)


async def test_nothing_is_left_after_base(planted: Settings, inside: "asyncpg.Connection[asyncpg.Record]") -> None:
    await migrate_to(planted, "head", lose_data=False)
    await migrate_to(planted, "base", lose_data=True)
    left = await inside.fetch(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'S', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    )
    assert left == []
    assert not await inside.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'plants')")
