"""A server behind nginx that remembers what it was sent, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nokay"


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    line: str
    lines: tuple[str, ...]  # of its head, after the first
    body: bytes

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        pairs = (line.partition(":") for line in self.lines)
        return [value.strip() for each, _, value in pairs if each.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        """The value of a header that may come once; None: it is not there."""
        values = self.all(name)
        assert len(values) < 2, values
        return values[0] if values else None


Answer = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


async def okay(request: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


class Behind:
    def __init__(self, answer: Answer) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.port = 0
        self.open: set[asyncio.StreamWriter] = set()
        self._answer = answer

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(writer)
        try:
            while True:
                line, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
                request = Received(line, tuple(lines), b"")
                body = await reader.readexactly(int(request.one("content-length") or 0))
                self.requests.append(Received(line, tuple(lines), body))
                await self._answer(self.requests[-1], writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


@asynccontextmanager
async def behind(answer: Answer = okay, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Behind]:
    server = Behind(answer)
    listening = await asyncio.start_server(server.serve, host, port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in server.open:
            writer.close()
