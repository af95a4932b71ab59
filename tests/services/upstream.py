"""A service that answers, byte by byte, what a test wants: over a real socket, to a real client."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Headers = dict[str, str]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass
class Upstream:
    """A running service. `behave` answers each request; tests change it as they go."""

    port: int
    behave: "Behave"
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Behave = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(body: str = "", status: int = 200, **headers: str) -> bytes:
    named = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body.encode()))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n{body}".encode()


def saying(body: str = "", status: int = 200, **headers: str) -> Behave:
    """Answers all requests alike."""

    async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body, status, **headers))

    return behave


async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Takes the request, and never answers."""
    await asyncio.Event().wait()


@asynccontextmanager
async def upstream(behave: Behave, *, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Runs a service, on a free port if none is given, until the block is left."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.connections += 1
        tasks.add(asyncio.current_task())
        try:
            while True:
                asked = await _read(reader)
                running.asked.append(asked)
                await running.behave(asked, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except RuntimeError:  # uvloop's word for a transport that the other side closed
            assert writer.is_closing()
        finally:
            writer.close()

    tasks: set[asyncio.Task[None] | None] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    running = Upstream(server.sockets[0].getsockname()[1], behave)
    try:
        yield running
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None))
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip("\r\n")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
