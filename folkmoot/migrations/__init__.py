"""Alembic revisions, and how they are run: under a lock, each in a transaction, up and down to any revision."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

HERE = Path(__file__).parent
BASE = "base"
HEAD = "head"
LOCK = 0x466F6C6B  # "Folk": the advisory lock that servers starting together take in turn


class NoSuchRevision(Exception):
    """The revision asked for is not one of ours; the message lists those that are."""


async def migrate(dsn: str, target: str = HEAD) -> tuple[str, str]:
    """Takes the database to `target` (a revision, `head` or `base`). Returns the revisions before and after.

    Servers that start together wait for each other here. After `base` nothing of ours is left in the database.
    """
    async with _locked(dsn) as connection:
        before = await current(connection)
        after = resolve(target)
        if before != after:
            await _run(dsn, before, after)
            if after == BASE:
                await connection.execute("DROP TABLE alembic_version")
    return before, after


async def current(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The revision the database is at; `base` when it has none."""
    if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return BASE
    return str(await connection.fetchval("SELECT version_num FROM alembic_version") or BASE)


def offline_sql(start: str = BASE, target: str = HEAD) -> str:
    """The SQL that takes a database from `start` to `target`, for operators who apply it themselves."""
    printed = io.StringIO()
    config = _config(printed)
    step = command.downgrade if _is_earlier(resolve(target), resolve(start)) else command.upgrade
    step(config, f"{resolve(start)}:{resolve(target)}", sql=True)
    return printed.getvalue()


def revisions() -> list[str]:
    """All revisions, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def resolve(target: str) -> str:
    """The revision that `target` names. Raises NoSuchRevision."""
    if target in (BASE, "0"):
        return BASE
    known = revisions()
    if target == HEAD:
        return known[-1]
    if target not in known:
        raise NoSuchRevision(f"There is no revision {target!r}. There are: base, {', '.join(known)}.")
    return target


@asynccontextmanager
async def _locked(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "folkmoot-migrate"})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        yield connection
    finally:
        await connection.close()  # ends the lock with it


async def _run(dsn: str, before: str, after: str) -> None:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(dsn, server_settings={"lock_timeout": "2s"})

    def steps(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        step = command.downgrade if _is_earlier(after, before) else command.upgrade
        step(config, after)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(steps)
            await connection.commit()
    except CommandError as error:
        raise NoSuchRevision(f"The database is at {before!r}, which this version does not know: {error}") from error
    finally:
        await engine.dispose()


def _is_earlier(one: str, other: str) -> bool:
    order = [BASE, *revisions()]
    if other not in order:
        raise NoSuchRevision(
            f"The database is at revision {other!r}, which this version does not know: it was made by a newer Folkmoot."
        )
    return order.index(one) < order.index(other)


def _config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    return config

