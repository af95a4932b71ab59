"""A relay between a node and one of its servers, which a test can cut, and mend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Listens on one socket of the file system and passes every connection on to another."""

    def __init__(self, here: Path, there: Path) -> None:
        self._here = here
        self._there = there
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_unix_server(self._accept, self._here)

    async def cut(self) -> None:
        """The server is gone: what was open is closed, and nobody answers."""
        if self._server is None:
            return
        self._server.close()
        self._here.unlink(missing_ok=True)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._server = None

    def freeze(self) -> None:
        """The server takes connections and bytes, and never answers, as one that was stopped does."""
        self._flows.clear()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._relay(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # also when it never began

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(self._there)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, questions))
                both.create_task(self._pass(answers, writer))
        except* OSError:
            pass
        finally:
            questions.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self._flows.wait()
            target.write(data)
            await target.drain()
        raise ConnectionResetError  # one end has gone, so the other goes too


@asynccontextmanager
async def relay_of_postgres(folder: Path, dsn: str) -> AsyncIterator[tuple[Relay, str]]:
    """A relay before the PostgreSQL of this address, and the address to reach it through the relay."""
    (host,) = parse_qs(urlsplit(dsn).query)["host"]
    relay = Relay(folder / ".s.PGSQL.5432", Path(host) / ".s.PGSQL.5432")
    await relay.mend()
    yield relay, f"{dsn.partition('?')[0]}?host={folder}"
    await relay.cut()


@asynccontextmanager
async def relay_of_redis(folder: Path, url: str) -> AsyncIterator[tuple[Relay, str]]:
    """The same for Redis."""
    relay = Relay(folder / "valkey.sock", Path(urlsplit(url).path))
    await relay.mend()
    yield relay, f"unix://{folder}/valkey.sock?db=0"
    await relay.cut()
