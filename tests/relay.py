"""The line between a node and one of its servers, which a test can cut, and mend."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.fault.proxy import Proxy, proxy_to


@asynccontextmanager
async def relay_of_postgres(folder: Path, dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A line to the PostgreSQL of this address, and the address to reach it over the line."""
    (host,) = parse_qs(urlsplit(dsn).query)["host"]
    async with proxy_to(Path(host) / ".s.PGSQL.5432", folder / ".s.PGSQL.5432") as line:
        yield line, f"{dsn.partition('?')[0]}?host={folder}"


@asynccontextmanager
async def relay_of_redis(folder: Path, url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """The same for Redis."""
    async with proxy_to(Path(urlsplit(url).path), folder / "valkey.sock") as line:
        yield line, f"unix://{folder}/valkey.sock?db=0"
