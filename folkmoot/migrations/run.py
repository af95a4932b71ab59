"""Running revisions: under a lock, each in a transaction, up and down, or as SQL for somebody else to run."""

import io
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from folkmoot.errors import CommandFailed
from folkmoot.migrations import BASE, HEAD, OURS, History, current, is_earlier, locked, resolve

HERE = Path(__file__).parent


async def run(dsn: str, wanted: str, of: History = OURS) -> tuple[str, str]:
    """Takes the database to the revision `wanted`. Returns the revisions before and after."""
    async with locked(dsn) as connection:
        before = await current(connection, of)
        if before != wanted:
            await _step(dsn, before, wanted, of)
            if wanted == BASE:
                await connection.execute(f"DROP TABLE {of.table}")
    return before, wanted


def offline_sql(start: str = BASE, target: str = HEAD) -> str:
    """The SQL that takes a database from `start` to `target`, for operators who apply it themselves."""
    printed = io.StringIO()
    before, after = resolve(start), resolve(target)
    step = command.downgrade if is_earlier(after, before) else command.upgrade
    step(_config(OURS, printed), f"{before}:{after}", sql=True)
    return printed.getvalue()


async def _step(dsn: str, before: str, after: str, of: History) -> None:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(dsn, server_settings={"lock_timeout": "2s"})

    def steps(connection: Connection) -> None:
        config = _config(of)
        config.attributes["connection"] = connection
        step = command.downgrade if is_earlier(after, before, of) else command.upgrade
        step(config, after)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(steps)
            await connection.commit()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == asyncpg.InsufficientPrivilegeError.sqlstate:
            raise CommandFailed(
                f"The schema is at {before}, and must be at {after}, and this role may not change it: {error.orig}. "
                "Run `folkmoot migrate` with DATABASE_OWNER_URL first."
            ) from None
        raise
    finally:
        await engine.dispose()


def _config(of: History, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(of.folder).replace("%", "%%"))
    config.attributes["version_table"] = of.table
    return config
