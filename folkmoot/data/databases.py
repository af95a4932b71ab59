"""Databases by the names that the settings give them. `main` is Folkmoot's own."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import msgspec
import structlog

from folkmoot.data.tables import Tables
from folkmoot.database import Database, Pool
from folkmoot.errors import Unavailable

log = structlog.get_logger(__name__)

MAIN = "main"

# The server is there, and does not let us in: nobody who calls can do anything about that.
SHUT = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)


class NamedDatabase:
    """A pool that connects when somebody first asks, so that a database which is away keeps nothing from starting."""

    def __init__(self, name: str, dsn: str, *, size: int, wait_s: float) -> None:
        self.name = name
        self._database = _Lazy(dsn, size=size, wait_s=wait_s)

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        await self._database.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Tables]:
        """The tables on a connection of the pool: each statement is done when it returns. Raises Unavailable."""
        with self._let_in():
            async with self._database.connection() as connection:
                yield Tables(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tables]:
        """The tables in a transaction, which commits when the block ends without an error. Raises Unavailable."""
        with self._let_in():
            async with self._database.transaction() as connection:
                yield Tables(connection)

    @contextmanager
    def _let_in(self) -> Iterator[None]:
        try:
            yield
        except SHUT as error:
            log.error("database.shut", database=self.name, error=str(error))
            raise Unavailable(f"The database {self.name!r} does not let us in.") from error


class Databases:
    """`databases["shop"]` is the database of that name."""

    def __init__(self, dsns: Mapping[str, str], *, size: int, wait_s: float) -> None:
        self._named = {name: NamedDatabase(name, dsn, size=size, wait_s=wait_s) for name, dsn in dsns.items()}

    def __getitem__(self, name: str) -> NamedDatabase:
        """Raises Unavailable when the operator has named none so."""
        if name not in self._named:
            log.error("database.unnamed", database=name, note="it is not among FOLKMOOT_DATABASES")
            raise Unavailable(f"This server has no database {name!r}: the operator can name it in FOLKMOOT_DATABASES.")
        return self._named[name]

    async def open(self) -> None:
        for database in self._named.values():
            await database.open()

    async def close(self) -> None:
        for database in self._named.values():
            await database.close()


class _Lazy(Database):
    async def open(self, *, within_s: float = 0.0) -> None:
        """Makes the pool, with nobody in it yet. What is not ours need not be durable."""
        self._pool = await self._create_pool()

    async def _create_pool(self) -> Pool:
        return await asyncpg.create_pool(
            self._dsn,
            min_size=0,
            max_size=self._size,
            init=_prepare,
            timeout=self._wait_s,
            command_timeout=self._wait_s,
            server_settings={
                "application_name": "folkmoot-modules",
                "lock_timeout": "5s",
                "standard_conforming_strings": "on",  # or a backslash could end what the statements take for a string
            },
        )


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """JSON in tables is data to actions, not text."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_json_text, decoder=msgspec.json.decode, format="text"
        )


def _json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()
