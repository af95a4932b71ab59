"""Databases of a test's own, beside the one that all tests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import randbelow
from uuid import uuid4

import asyncpg

from folkmoot.migrations import migrate

TRIES = 4  # of five seconds each


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def another_database(dsn: str) -> AsyncIterator[str]:
    """The address of a database with nothing in it, on the same server; it is gone afterwards.

    It is not dropped by force: that is refused while PostgreSQL vacuums there on its own. A plain drop ends the vacuum
    and waits a while for sessions that are just going away.
    """
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield dsn.replace("/folkmoot?", f"/{name}?")
        await _drop(connection, name)
    finally:
        await connection.close()


async def _drop(connection: "asyncpg.Connection[asyncpg.Record]", name: str) -> None:
    """Who stays in it for longer than PostgreSQL waits, several times over, is named."""
    for _ in range(TRIES):
        try:
            await connection.execute(f"DROP DATABASE {name}")
        except asyncpg.ObjectInUseError:
            who = await connection.fetch(
                "SELECT backend_type, application_name, state, query FROM pg_stat_activity WHERE datname = $1", name
            )
        else:
            return
    raise AssertionError(f"somebody stays in the database: {who}")


@asynccontextmanager
async def database_of_our_own(dsn: str) -> AsyncIterator[str]:
    """The address of a database like `another_database`, with the schema of today."""
    async with another_database(dsn) as another:
        await migrate(another)
        await _number_apart(another)
        yield another


async def _number_apart(dsn: str) -> None:
    """Nodes of all databases hear each other on one Redis: who is meant by a number must be clear."""
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("users", "sessions", "rooms"):
            await connection.execute(
                "SELECT setval(pg_get_serial_sequence($1, 'id'), $2)", table, 10**6 + randbelow(10**9)
            )
    finally:
        await connection.close()
