"""PostgreSQL: one pool a process, bounded waits, and a dead database that is never an empty answer."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import asyncpg
import structlog

from folkmoot.errors import StorageFull, Unavailable
from folkmoot.telemetry import tracing
from folkmoot.telemetry.spread import Spread

if TYPE_CHECKING:
    PooledConnection: TypeAlias = asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PooledConnection
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

log = structlog.get_logger(__name__)

T = TypeVar("T")

# The database is away, going away, or too busy to let us in: an answer will be possible later.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server's farewell has arrived, and the end of the connection not yet
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
)

# An answer is acknowledged only when it would survive a power cut. A server that does otherwise is refused at start.
# With data_sync_retry a server that could not write to its disk carries on as if it had, instead of recovering from its
# log: the kernel reports such an error once, and forgets the data.
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_sync_retry": "off"}


class NotDurable(Exception):
    """The PostgreSQL server may forget what it has acknowledged; the message names the settings."""


def _translated(error: BaseException) -> Unavailable:
    """What a sign of an absent database means to whoever asked."""
    if isinstance(error, asyncpg.DiskFullError):
        log.error("database.disk_full", error=str(error))
        return StorageFull("The disk of the database is full. Nothing was written: try again later.")
    log.warning("database.away", error=str(error) or type(error).__name__)
    return Unavailable("The database cannot be reached right now. Nothing was lost: try again.")


async def patiently(connect: Callable[[], Awaitable[T]], within_s: float) -> T:
    """What `connect` gives; a server that is still starting is waited for. Raises Unavailable, which says why."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            return await connect()
        except AWAY as error:
            if isinstance(error, ValueError) or asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"PostgreSQL cannot be reached: {error or type(error).__name__}") from error
        except asyncpg.PostgresError as error:
            raise Unavailable(f"PostgreSQL does not let us in: {error}") from error
        await asyncio.sleep(0.2)


@contextmanager
def _given_up(connection: Connection) -> Iterator[None]:
    """A connection that did not answer in time, or has lost its way, is ended at once.

    The pool would ask the server to stop working on the question, and a transaction would ask it to roll back: each
    waits as long again for a server that hangs, while whoever asked waits too.
    """
    try:
        yield
    except (TimeoutError, asyncpg.InternalClientError):
        connection.terminate()
        raise


class _Session(asyncpg.Connection):
    """A session that nobody leaves anything in, so that the pool need not ask the server to forget it each time."""

    def get_reset_query(self) -> str:
        return ""


async def _watch_queries(connection: Connection) -> None:
    connection.add_query_logger(_record_query)


def _record_query(query: asyncpg.connection.LoggedQuery) -> None:
    """A statement is a step of whoever asked for it. Its values are nobody's business."""
    place = tracing.here()
    if place is None:
        return
    ended_ns = time.time_ns()
    began_ns = ended_ns - round(query.elapsed * 1e9)
    statement = " ".join(query.query.split())
    tracing.record("postgresql", place, began_ns, ended_ns, db__system__name="postgresql", db__query__text=statement)


class Database:
    """The pool. `connection` and `transaction` are the only ways to it."""

    def __init__(self, dsn: str, *, size: int, wait_s: float) -> None:
        self._dsn = dsn
        self._size = size
        self._wait_s = wait_s
        self._pool: Pool | None = None
        self.waiting = 0  # who asks for a connection, and has none yet
        self.wait_s = Spread()
        self.failures: Counter[str] = Counter()  # by the code of the error; `no_connection` in time is counted besides

    async def open(self, *, within_s: float = 30.0) -> None:
        """Opens the pool; a server that is still starting is waited for."""
        self._pool = await patiently(self._create_pool, within_s)
        await self._refuse_forgetful_server()

    async def _create_pool(self) -> Pool:
        return await asyncpg.create_pool(
            self._dsn,
            init=_watch_queries if tracing.is_on() else None,
            min_size=1,
            max_size=self._size,
            connection_class=_Session,
            timeout=self._wait_s,
            command_timeout=self._wait_s,
            server_settings={"application_name": "folkmoot", "lock_timeout": "5s"},
        )

    async def close(self) -> None:
        if self._pool is None:
            return
        try:
            await asyncio.wait_for(self._pool.close(), self._wait_s)
        except (TimeoutError, *AWAY):
            self._pool.terminate()
        self._pool = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool; `Unavailable` when none is free in time or the server is away."""
        if self._pool is None:
            raise Unavailable("The database is not open.")
        try:
            connection = await self._acquire(self._pool)
            try:
                with _given_up(connection):
                    yield connection
            finally:
                await self._pool.release(connection)
        except AWAY as error:  # nothing else: any other error is its raiser's
            unavailable = _translated(error)
            self.failures[unavailable.code] += 1
            raise unavailable from error

    @property
    def size(self) -> int:
        """Connections that there may be."""
        return self._size

    def connections(self) -> tuple[int, int]:
        """How many connections are used now, and how many are open and idle."""
        if self._pool is None:
            return 0, 0
        idle = self._pool.get_idle_size()
        return max(0, self._pool.get_size() - idle), idle

    async def _acquire(self, pool: Pool) -> "PooledConnection":
        asked_at = time.monotonic()
        self.waiting += 1
        try:
            return await pool.acquire(timeout=self._wait_s)
        except TimeoutError:
            self.failures["no_connection"] += 1
            raise
        finally:
            self.waiting -= 1
            self.wait_s.add(time.monotonic() - asked_at)

    async def answers(self) -> bool:
        """Whether the server answers now."""
        try:
            async with self.connection() as connection:
                return bool(await connection.fetchval("SELECT true"))
        except Unavailable:
            return False

    async def most_connections(self) -> int:
        """How many connections the server gives to everybody together."""
        async with self.connection() as connection:
            return int(await connection.fetchval("SELECT current_setting('max_connections')"))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction that commits when the block ends without an error."""
        async with self.connection() as connection, connection.transaction():
            with _given_up(connection):
                yield connection

    async def _refuse_forgetful_server(self) -> None:
        async with self.connection() as connection:
            rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", list(DURABLE))
        loose = {row["name"]: row["setting"] for row in rows if row["setting"] != DURABLE[row["name"]]}
        if loose:
            wanted = ", ".join(f"{name}={DURABLE[name]} (is {value})" for name, value in loose.items())
            raise NotDurable(f"PostgreSQL may lose acknowledged messages. Set {wanted} and start again.")
