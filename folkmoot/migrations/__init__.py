"""The schema's revisions. What most starts need to know is here; running them is in `run.py`.

Alembic and SQLAlchemy take longer to import than the server to start, and most starts find the database up to date.
"""

from functools import partial
from pathlib import Path

import asyncpg

from folkmoot.database import patiently

VERSIONS = Path(__file__).parent / "versions"
BASE = "base"
HEAD = "head"


class NoSuchRevision(Exception):
    """The revision asked for is not one of ours; the message lists those that are."""


async def migrate(dsn: str, target: str = HEAD, *, within_s: float = 30.0) -> tuple[str, str]:
    """Takes the database to `target` (a revision, `head` or `base`). Returns the revisions before and after.

    Servers that start together wait for each other here, and for a PostgreSQL that is still starting at most
    `within_s`. After `base` nothing of ours is left in the database.
    """
    wanted = resolve(target)
    if await revision_of(dsn, within_s=within_s) == wanted:
        return wanted, wanted
    from folkmoot.migrations.run import run

    return await run(dsn, wanted)


async def revision_of(dsn: str, *, within_s: float = 30.0) -> str:
    """The revision the database at this address is at. Waits for a PostgreSQL that is still starting."""
    connection = await patiently(partial(asyncpg.connect, dsn), within_s)
    try:
        return await current(connection)
    finally:
        await connection.close()


async def current(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The revision the database is at; `base` when it has none."""
    if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return BASE
    return str(await connection.fetchval("SELECT version_num FROM alembic_version") or BASE)


def revisions() -> list[str]:
    """All revisions, oldest first: the files are named after them."""
    return sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


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


def is_earlier(one: str, other: str) -> bool:
    """Whether a revision comes before another. Raises NoSuchRevision for one of a newer Folkmoot."""
    order = [BASE, *revisions()]
    if other not in order:
        raise NoSuchRevision(
            f"The database is at revision {other!r}, which this version does not know: a newer Folkmoot made it."
        )
    return order.index(one) < order.index(other)
