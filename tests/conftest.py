"""The vocabulary of the tests: real servers, a running node, and people who use it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx
import pytest
import uvloop
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.app import Node, running
from folkmoot.laptop import Servers, servers
from folkmoot.listening import listen, listen_to_admins
from folkmoot.migrations import migrate
from folkmoot.settings import Settings, load_settings
from folkmoot.testing.generous import GENEROUS
from tests.databases import another_database
from tests.fault.proxy import Proxy
from tests.people import Browser, Member, browsing, enrol, visiting
from tests.ports import free_port
from tests.relay import relay_of_postgres, relay_of_redis

Start = Callable[..., AbstractAsyncContextManager[Node]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the loop of the product."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
async def database_servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """A PostgreSQL and a Valkey of this test run's own."""
    async with servers(tmp_path_factory.mktemp("data"), report=lambda line: None) as started:
        yield started


@pytest.fixture(scope="session")
def settings(database_servers: Servers) -> Settings:
    """Settings of a node for the tests: fast heartbeats, generous limits, a port of its own."""
    return load_settings(
        api_mode="dev",
        database_url=database_servers.dsn,
        redis_url=database_servers.redis_url,
        port=0,
        url="http://folkmoot.test",
        drain_s=0.2,
        trusted_proxies=(),
        serve_site=False,
        jobs_concurrency=0,  # nodes share a database: a job must not run in a node of another test that is ending
        **GENEROUS,
    )


@pytest.fixture(scope="session")
async def migrated(settings: Settings) -> None:
    await migrate(settings.dsn)


@pytest.fixture(scope="session")
def start(settings: Settings, migrated: None) -> Start:
    """Starts a node: `async with start(socket_ping_s=1) as node`. Two at once are two nodes on one Redis."""

    @asynccontextmanager
    async def start_node(**changes: object) -> AsyncIterator[Node]:
        changed = settings.model_copy(update=changes)
        async with running(changed, listen(changed), listen_to_admins(changed)) as node:
            yield node

    return start_node


@pytest.fixture(scope="session")
async def node(start: Start) -> AsyncIterator[Node]:
    """A node that all tests share: each makes people and rooms of its own."""
    async with start() as started:
        yield started


@pytest.fixture
async def ada(node: Node) -> AsyncIterator[Member]:
    async with enrol(node, "Ada") as member:
        yield member


@pytest.fixture
async def bob(node: Node) -> AsyncIterator[Member]:
    async with enrol(node, "Bob") as member:
        yield member


@pytest.fixture
async def stranger(node: Node) -> AsyncIterator[Member]:
    """Somebody with an account who is in nobody's room."""
    async with enrol(node, "Stranger") as member:
        yield member


@pytest.fixture
async def admin(node: Node) -> AsyncIterator[Member]:
    async with enrol(node, "Root", "admin") as member:
        yield member


@pytest.fixture
async def visitor(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has not signed in."""
    async with visiting(node) as http:
        yield http


@pytest.fixture
async def browser(node: Node, ada: Member) -> AsyncIterator[Browser]:
    """Ada's browser, signed in."""
    async with browsing(node) as opened:
        await opened.sign_in(ada.email)
        yield opened


@pytest.fixture
async def database(settings: Settings, migrated: None) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the test's own, to look at what is stored and to change it."""
    connection = await asyncpg.connect(settings.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with Redis.from_url(settings.redis_dsn) as client:
        yield client


@pytest.fixture
async def postgres_relay(settings: Settings, short_path: Path) -> AsyncIterator[tuple[Proxy, SecretStr]]:
    """A relay, and the address for `start(database_url=…)` that leads through it."""
    async with relay_of_postgres(short_path, settings.dsn) as (relay, dsn):
        yield relay, SecretStr(dsn)


@pytest.fixture
async def redis_relay(settings: Settings, short_path: Path) -> AsyncIterator[tuple[Proxy, SecretStr]]:
    """The same for `start(redis_url=…)`."""
    async with relay_of_redis(short_path, settings.redis_dsn) as (relay, url):
        yield relay, SecretStr(url)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="fm") as folder:
        yield Path(folder)


@pytest.fixture
async def empty_database(database_servers: Servers) -> AsyncIterator[str]:
    """The address of a database with nothing in it."""
    async with another_database(database_servers.dsn) as dsn:
        yield dsn


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture
def python() -> str:
    return sys.executable
