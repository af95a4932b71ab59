"""Servers sign in to PostgreSQL with a role that reads and writes, and changes nothing about the schema (S41)."""

import asyncio

import asyncpg
import pytest

from folkmoot.app import operating
from folkmoot.commands import migrate_to, prepare, set_password
from folkmoot.errors import CommandFailed, Unavailable
from folkmoot.migrations import HEAD
from folkmoot.migrations.rights import WANTING, beyond
from folkmoot.migrations.roles import account_of, signs_in, verifier
from folkmoot.settings import BadSettings, Settings, load_settings
from tests.databases import connected
from tests.roles.conftest import PASSWORD, Town

# What somebody who has taken a server over would try.
NEVER = [
    "CREATE TABLE mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine SUPERUSER",
    "ALTER TABLE users ADD COLUMN mine int",
    "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "DROP TABLE users",
    "DROP TRIGGER audit_entries_no_change ON audit_entries",
    "TRUNCATE events",
    "TRUNCATE audit_entries",
    "UPDATE audit_entries SET action = 'nothing'",
    "DELETE FROM audit_entries WHERE at < now() - interval '1 year'",
    "UPDATE alembic_version SET version_num = '0001'",
    "COPY users TO PROGRAM 'cat'",
    "COPY users TO '/tmp/users'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "SET ROLE postgres",
    "ALTER TABLE users OWNER TO CURRENT_USER",
]


async def migrated(settings: Settings) -> None:
    await migrate_to(settings, HEAD, lose_data=False)


async def test_a_server_may_change_no_schema_and_take_nothing_from_the_audit_log(town: Town) -> None:
    await migrated(town.settings)
    async with connected(town.settings.dsn) as server:
        assert await server.fetchval("SELECT current_user") == town.server
        for statement in NEVER:
            with pytest.raises(asyncpg.PostgresError) as refused:
                await server.execute(statement)
            assert isinstance(refused.value, asyncpg.InsufficientPrivilegeError), f"{statement}: {refused.value}"
        assert await beyond(server, town.server) == []


async def test_what_it_wants_it_has_and_a_second_time_changes_nothing(town: Town) -> None:
    await migrated(town.settings)
    async with connected(town.settings.owner_dsn) as owner:
        assert await owner.fetch(WANTING, town.server) == []
        rows = "SELECT oid, xmin::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
        before = await owner.fetch(rows)
        await migrated(town.settings)
        assert await owner.fetch(rows) == before


async def test_a_database_that_had_one_role_is_taken_over_with_its_data(town: Town) -> None:
    await prepare(town.by_one_role.model_copy(update={"api_admin_email": "ada@example.org"}), migrate_first=True)
    with pytest.raises(Unavailable, match="does not let us in"):
        await prepare(town.changed(database_owner_url=None), migrate_first=True)
    await migrated(town.settings)
    alone = town.changed(database_owner_url=None)
    await prepare(alone, migrate_first=True)  # as a server starts, which finds nothing to migrate
    await set_password(alone, "ada@example.org", "quite another password")
    async with connected(alone.dsn) as server:
        assert await server.fetchval("SELECT count(*) FROM users WHERE email = 'ada@example.org'") == 1


async def test_a_table_that_the_owner_makes_later_is_the_servers_too(town: Town) -> None:
    await migrated(town.settings)
    async with connected(town.settings.owner_dsn) as owner, connected(town.settings.dsn) as server:
        await owner.execute("CREATE TABLE later (id bigserial PRIMARY KEY, said text)")
        await server.execute("INSERT INTO later (said) VALUES ('hello')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server.execute("TRUNCATE later")


async def test_another_password_is_taken_by_migrating_again(town: Town) -> None:
    await migrated(town.settings)
    for password in ("another", "später Ⅷ"):
        other = town.changed(database_url=town.address(town.server, password))
        assert not await signs_in(other.dsn, 5)
        await migrated(other)
        assert await signs_in(other.dsn, 5)
    assert not await signs_in(town.settings.dsn, 5)


async def test_many_that_start_together_take_turns(town: Town) -> None:
    await asyncio.gather(*(migrated(town.settings) for _ in range(4)))
    assert await signs_in(town.settings.dsn, 5)


async def test_who_is_behind_and_may_not_migrate_is_told_what_to_do(town: Town) -> None:
    await migrate_to(town.settings, "0011", lose_data=False)
    with pytest.raises(CommandFailed, match=r"at 0011, and must be at .* with DATABASE_OWNER_URL"):
        await prepare(town.changed(database_owner_url=None), migrate_first=True)


async def test_a_wrong_password_is_said(town: Town) -> None:
    wrong = town.changed(database_owner_url=town.address(town.owner, "wrong"))
    with pytest.raises(Unavailable, match=f'let us in: password authentication failed for user "{town.owner}"'):
        await migrated(wrong)
    await migrated(town.settings)
    wrong = town.changed(database_url=town.address(town.server, "wrong"), database_owner_url=None)
    with pytest.raises(Unavailable, match=f'password authentication failed for user "{town.server}"'):
        await prepare(wrong, migrate_first=False)


async def test_an_owner_who_may_make_no_role_says_who_must(town: Town) -> None:
    async with connected(town.superuser) as superuser:
        await superuser.execute(f"ALTER ROLE {town.owner} NOCREATEROLE")
        with pytest.raises(CommandFailed, match=f"{town.owner} may not make the role {town.server}.*CREATE ROLE"):
            await migrated(town.settings)
        await superuser.execute(f"CREATE ROLE {town.server} LOGIN PASSWORD 'the servers'' own'")
    await migrated(town.settings)
    async with connected(town.settings.dsn) as server:
        assert await server.fetchval("SELECT count(*) FROM users") == 0


MAKES_IT_MORE = {
    "is a superuser": ("ALTER ROLE {server} SUPERUSER", "ALTER ROLE {server} NOSUPERUSER"),
    "may make roles": ("ALTER ROLE {server} CREATEROLE", "ALTER ROLE {server} NOCREATEROLE"),
    "may make tables": ("GRANT CREATE ON SCHEMA public TO {server}", "REVOKE CREATE ON SCHEMA public FROM {server}"),
    "owns tables": ("ALTER TABLE rooms OWNER TO {server}", "ALTER TABLE rooms OWNER TO {owner}"),
}


async def test_a_role_that_may_more_is_refused_and_keeps_its_password(town: Town) -> None:
    await migrated(town.settings)
    other = town.changed(database_url=town.address(town.server, "another"))
    async with connected(town.superuser) as superuser:
        for says, statements in MAKES_IT_MORE.items():
            makes, unmakes = (statement.format(server=town.server, owner=town.owner) for statement in statements)
            await superuser.execute(makes)
            with pytest.raises(CommandFailed, match=f"{town.server} of DATABASE_URL .*{says}.*Name another role"):
                await migrated(other)
            await superuser.execute(unmakes)
    assert await signs_in(town.settings.dsn, 5)
    await migrated(other)
    assert await signs_in(other.dsn, 5)


async def test_what_is_sent_of_a_password_is_what_postgresql_keeps(town: Town) -> None:
    """So that nobody finds one in its log, where statements may stand."""
    kept = verifier("the servers' own", b"0123456789abcdef")
    assert "own" not in kept
    async with connected(town.superuser) as superuser:
        await superuser.execute(f"CREATE ROLE {town.server} LOGIN PASSWORD '{kept}'")
        assert await superuser.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", town.server) == kept
    assert await signs_in(town.settings.dsn, 5)


async def test_nothing_old_enough_is_pruned_but_by_the_owners_function(town: Town) -> None:
    await migrated(town.settings)
    async with connected(town.settings.owner_dsn) as owner:
        await owner.execute(
            """
            INSERT INTO audit_entries (at, action, outcome, role)
            SELECT now() - days * interval '1 day', 'tests.plant', 'done', 'system' FROM unnest(ARRAY[400, 300]) AS days
            """
        )
    async with operating(town.changed(database_owner_url=None)) as core, core.database.transaction() as connection:
        year = "now() - interval '365 days'"
        assert await connection.fetchval(f"SELECT prune_audit_entries({year}, 100)") == 1
        assert await connection.fetchval("SELECT count(*) FROM audit_entries WHERE action = 'tests.plant'") == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"database_owner_url": "postgresql://folkmoot:b@db/town"}, "another role"),
        ({"database_owner_url": "postgresql://owner:b@db/elsewhere"}, "the same database"),
        ({"database_owner_url": "mysql://owner:b@db/town"}, "postgresql://"),
        ({"database_owner_url": "postgresql://owner:changeme@db/town"}, "must be set to a secret of your own"),
    ],
)
def test_an_owner_that_cannot_be_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        load_settings(api_mode="production", database_url="postgresql://folkmoot:secret-a@db/town", **given)


def test_the_owner_is_said_in_parts_too() -> None:
    parts = {"postgres_host": "db", "postgres_user": "folkmoot_server", "postgres_password": "one of ours"}
    assert load_settings(**parts).migrating_dsn == "postgresql://folkmoot_server:one%20of%20ours@db:5432/folkmoot"
    given = load_settings(**parts, postgres_owner="folkmoot", postgres_owner_password=PASSWORD)
    assert account_of(given.migrating_dsn) == ("folkmoot", PASSWORD)
    assert account_of(given.dsn) == ("folkmoot_server", "one of ours")
