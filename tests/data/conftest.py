"""A database of its own, named `shop`, and its tables."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from folkmoot.data.databases import Databases, NamedDatabase
from folkmoot.laptop import Servers
from tests.databases import another_database

TABLES = """
CREATE SCHEMA shop;
CREATE TYPE weekday AS ENUM ('monday');
CREATE TABLE shop.users (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL UNIQUE,
    email text
);
CREATE TABLE "Odd ""table" ("a.b" int PRIMARY KEY, "select" text, more jsonb);
"""


@pytest.fixture(scope="session")
async def shop_dsn(database_servers: Servers) -> AsyncIterator[str]:
    async with another_database(database_servers.dsn) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute(TABLES)
        await connection.close()
        yield dsn


@pytest.fixture
async def databases(shop_dsn: str, database_servers: Servers) -> AsyncIterator[Databases]:
    opened = Databases({"main": database_servers.dsn, "shop": shop_dsn}, size=3, wait_s=2)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def shop(databases: Databases) -> AsyncIterator[NamedDatabase]:
    """The shop, with nobody in it yet."""
    yield databases["shop"]
    async with databases["shop"].connection() as tables:
        await tables.connection.execute('TRUNCATE shop.users; TRUNCATE "Odd ""table"')
