"""The product under the role that servers have: people sign in and talk, a job runs, and a module has its table."""

from pathlib import Path

import asyncpg
import pytest

from folkmoot import commands
from folkmoot.app import running
from folkmoot.backups import back_up
from folkmoot.commands import add_user, list_users, migrate_to, prepare
from folkmoot.doctor import examine
from folkmoot.errors import CommandFailed
from folkmoot.listening import listen
from folkmoot.migrations import HEAD
from tests.jobs.conftest import until
from tests.modules.written import write_module
from tests.people import PASSWORD, browsing, enrol
from tests.realtime.python_client import Sdk
from tests.roles.conftest import Town

REVISION = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA plants")
    op.execute("CREATE TABLE plants.trees (id bigserial PRIMARY KEY, name text)")


def downgrade() -> None:
    op.execute("DROP SCHEMA plants CASCADE")
"""
ACTIONS = '''
from folkmoot.actions import Call, Input, action


class Tree(Input):
    name: str


@action()
async def plant(call: Call, given: Tree) -> None:
    """Plants a tree, later."""
    await call.core.jobs.defer("plants.grow", {"name": given.name})
'''
JOBS = '''
from folkmoot.actions import Input
from folkmoot.jobs.job import Work, job


class Tree(Input):
    name: str


@job()
async def grow(work: Work, given: Tree) -> None:
    """Writes it down."""
    async with work.core.database.connection() as connection:
        await connection.execute("INSERT INTO plants.trees (name) VALUES ($1)", given.name)
'''


async def test_everybody_talks_and_jobs_run(town: Town, tmp_path: Path) -> None:
    files = {"migrations/0001_trees": REVISION, "actions": ACTIONS, "jobs": JOBS, "routes": "ROUTES = ()\n"}
    modules = (str(write_module(tmp_path / "plants", **files)),)
    await migrate_to(town.settings.model_copy(update={"modules": modules}), HEAD, lose_data=False)
    server = town.changed(database_owner_url=None).model_copy(
        update={"modules": modules, "modules_strict": True, "jobs_concurrency": 2}
    )
    await prepare(server, migrate_first=True)
    table = await asyncpg.connect(server.dsn)
    async with running(server, listen(server)) as node, enrol(node, "Ada") as ada, browsing(node) as browser:
        await browser.sign_in(ada.email)
        room = await ada.make_room()
        sdk = Sdk(node.port, ada.token, "/ws")
        await sdk.connect()
        said = await ada.say(room, "Hello")
        await until(lambda: said["seq"] in sdk.heard(f"room:{room}"))
        await sdk.client.disconnect()
        answer = await ada.http.post("/api/v1.0/actions/plants/plant", json={"name": "Oak"})
        assert answer.status_code == 200, answer.text
        await until(lambda: table.fetchval("SELECT count(*) FROM plants.trees WHERE name = 'Oak'"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await table.execute("UPDATE folkmoot_module_plants SET version_num = '0000'")
    await table.close()
    assert await back_up(server.dsn, tmp_path / "town.backup") > 10_000, "a backup needs no more than reading"


async def test_a_backup_is_put_back_by_the_owner_and_nobody_else(town: Town, tmp_path: Path) -> None:
    await migrate_to(town.settings, HEAD, lose_data=False)
    server, file = town.changed(database_owner_url=None), tmp_path / "town.backup"
    await add_user(server, "ada@example.org", "Ada", PASSWORD, admin=True)
    await commands.back_up(server, file)
    with pytest.raises(CommandFailed, match=r"must be owner|permission denied"):
        await commands.put_back(server, file)
    assert [one.email for one in await list_users(server)] == ["ada@example.org"]
    await add_user(server, "bob@example.org", "Bob", PASSWORD, admin=False)
    others = await asyncpg.connect(server.dsn)
    with pytest.raises(CommandFailed, match=r"Somebody uses this database \(1 connections\)"):
        await commands.put_back(town.settings, file)
    await others.close()
    await commands.put_back(town.settings, file)
    assert [one.email for one in await list_users(server)] == ["ada@example.org"]
    await add_user(server, "eve@example.org", "Eve", PASSWORD, admin=False)
    table = await asyncpg.connect(server.dsn)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await table.execute("DELETE FROM audit_entries")
    await table.close()


async def test_the_doctor_says_what_the_role_may(town: Town) -> None:
    await migrate_to(town.settings, HEAD, lose_data=False)
    for settings, says in (
        (town.changed(database_owner_url=None), f"{town.server} reads and writes, and may not change the schema"),
        (town.by_one_role, f"{town.owner} may make roles, owns the database, owns tables"),
    ):
        found = {finding.name: finding for finding in await examine(settings)}
        assert found["role"].says.startswith(says)
        assert all(found[name].ok for name in ("database", "durability", "migrations", "clock", "keys"))
