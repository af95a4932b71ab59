"""The schema's revisions. What most starts need to know is here; running them is in `run.py`.

Alembic and SQLAlchemy take longer to import than the server to start, and most starts find the database up to date.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg

from folkmoot.database import Connection, patiently

VERSIONS = Path(__file__).parent / "versions"
BASE = "base"
HEAD = "head"
LOCK = 0x466F6C6B  # "Folk": the advisory lock that servers starting together take in turn


@dataclass(frozen=True, slots=True)
class History:
    """A line of revisions: the folder of their files, and the table that says where a database is."""

    folder: Path
    table: str


OURS = History(VERSIONS, "alembic_version")


class NoSuchRevision(Exception):
    """The revision asked for is not one of ours; the message lists those that are."""


async def migrate(dsn: str, target: str = HEAD, *, within_s: float = 30.0, of: History = OURS) -> tuple[str, str]:
    """Takes the database to `target` (a revision, `head` or `base`). Returns the revisions before and after.

    Servers that start together wait for each other here, and for a PostgreSQL that is still starting at most
    `within_s`. After `base` nothing of ours is left in the database.
    """
    wanted = resolve(target, of)
    if await revision_of(dsn, within_s=within_s, of=of) == wanted:
        return wanted, wanted
    from folkmoot.migrations.run import run

    return await run(dsn, wanted, of)


async def revision_of(dsn: str, *, within_s: float = 30.0, of: History = OURS) -> str:
    """The revision the database at this address is at. Waits for a PostgreSQL that is still starting."""
    connection = await patiently(partial(asyncpg.connect, dsn), within_s)
    try:
        return await current(connection, of)
    finally:
        await connection.close()


@asynccontextmanager
async def locked(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of whoever's turn it is to change the schema, or who may do what in it."""
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "folkmoot-migrate"})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        yield connection
    finally:
        await connection.close()  # ends the lock with it


async def current(connection: Connection, of: History = OURS) -> str:
    """The revision the database is at; `base` when it has none."""
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", of.table):
        return BASE
    # Our own name, or that of a module, which is a word.
    return str(await connection.fetchval(f"SELECT version_num FROM {of.table}") or BASE)  # noqa: S608


def revisions(of: History = OURS) -> list[str]:
    """All revisions, oldest first: the files are named after them."""
    return sorted(path.name.partition("_")[0] for path in of.folder.glob("[0-9]*.py"))


def resolve(target: str, of: History = OURS) -> str:
    """The revision that `target` names. Raises NoSuchRevision."""
    if target in (BASE, "0"):
        return BASE
    known = revisions(of)
    if target == HEAD:
        return known[-1] if known else BASE
    if target not in known:
        raise NoSuchRevision(f"There is no revision {target!r}. There are: base, {', '.join(known)}.")
    return target


def is_known(revision: str, of: History = OURS) -> bool:
    """Whether a database can have got there by our revisions; one of a newer Folkmoot has not."""
    return revision in (BASE, *revisions(of))


def is_earlier(one: str, other: str, of: History = OURS) -> bool:
    """Whether a revision comes before another. Raises NoSuchRevision for one of a newer Folkmoot."""
    order = [BASE, *revisions(of)]
    if other not in order:
        raise NoSuchRevision(
            f"The database is at revision {other!r}, which this version does not know: a newer Folkmoot made it."
        )
    return order.index(one) < order.index(other)
