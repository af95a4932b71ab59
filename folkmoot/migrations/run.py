"""Running revisions: under a lock, each in a transaction, up and down, or as SQL for somebody else to run.

A revision waits for its tables only for a moment, because whoever comes after it waits behind it. Then it lets them go
on, and tries again.
"""

import asyncio
import io
import time
from pathlib import Path

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from folkmoot.errors import CommandFailed
from folkmoot.migrations import BASE, HEAD, OURS, History, current, is_earlier, locked, resolve

log = structlog.get_logger(__name__)

HERE = Path(__file__).parent
LOCK_TIMEOUT = "2s"
PAUSE_S = 0.5  # in which those who waited behind it go on
PATIENCE_S = 60.0
IN_USE = (asyncpg.LockNotAvailableError.sqlstate, asyncpg.DeadlockDetectedError.sqlstate)


async def run(dsn: str, wanted: str, of: History = OURS) -> tuple[str, str]:
    """Takes the database to the revision `wanted`. Returns the revisions before and after."""
    async with locked(dsn) as connection:
        before = await current(connection, of)
        if before != wanted:
            await _insist(dsn, connection, wanted, of)
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


async def _insist(dsn: str, locking: "asyncpg.Connection[asyncpg.Record]", wanted: str, of: History) -> None:
    """Takes the steps; one whose tables are in use again and again, for a while. Those before it stay taken."""
    stuck_at, until = "", 0.0
    while True:
        try:
            return await _step(dsn, await current(locking, of), wanted, of)
        except DBAPIError as error:
            if _sqlstate(error) not in IN_USE:
                raise
            at = await current(locking, of)
            log.warning("migrations.tables_in_use", at=at, error=str(error.orig))
        if at != stuck_at:  # each step has its own time, however long those before it took
            stuck_at, until = at, time.monotonic() + PATIENCE_S
        elif time.monotonic() > until:
            raise CommandFailed(
                f"A table was in use all the time, by a backup or by somebody's long transaction. The schema is at "
                f"{at}, and all goes on as it was: run `folkmoot migrate` again later."
            )
        await asyncio.sleep(PAUSE_S)


async def _step(dsn: str, before: str, after: str, of: History) -> None:
    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(dsn, server_settings={"lock_timeout": LOCK_TIMEOUT})

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
        if _sqlstate(error) == asyncpg.InsufficientPrivilegeError.sqlstate:
            raise CommandFailed(
                f"The schema is at {before}, and must be at {after}, and this role may not change it: {error.orig}. "
                "Run `folkmoot migrate` with DATABASE_OWNER_URL first."
            ) from None
        raise
    finally:
        await engine.dispose()


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _config(of: History, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(of.folder).replace("%", "%%"))
    config.attributes["version_table"] = of.table
    return config
