"""A node that does jobs, with a database and a bus of its own tests alone, and a receiver."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.laptop import Servers
from folkmoot.modules.webhooks import jobs
from tests.conftest import Start
from tests.databases import database_of_our_own
from tests.jobs.hurry import hurry
from tests.people import Member, enrol
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture(scope="module")
async def own_database(database_servers: Servers) -> AsyncIterator[str]:
    async with database_of_our_own(database_servers.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def hurried() -> Iterator[None]:
    with hurry() as patch:
        patch.setattr(jobs, "FIRST_S", 0.02)
        yield


@pytest.fixture(scope="module")
async def busy(start: Start, own_database: str, hurried: None) -> AsyncIterator[Node]:
    """A node that does jobs."""
    async with start(
        database_url=SecretStr(own_database),
        jobs_concurrency=4,
        webhook_networks=("127.0.0.0/8",),
        webhook_timeout_s=1.0,
    ) as node:
        yield node


@pytest.fixture
async def root(busy: Node) -> AsyncIterator[Member]:
    async with enrol(busy, "Root", "admin") as member:
        yield member


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest.fixture
async def rows(own_database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to look at what is stored, and to change it. Webhooks and jobs of a test end with it."""
    connection = await asyncpg.connect(own_database)
    yield connection
    await connection.execute("DELETE FROM webhooks")
    await connection.execute("DELETE FROM procrastinate_jobs WHERE status IN ('todo', 'failed')")
    await connection.close()
