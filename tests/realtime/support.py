"""A node of nothing but the engine: Sanic, the port and an echo. And a client that says exactly what it is told.

Run as a program it serves the echo in a process of its own, for tests that measure memory.
"""

import asyncio
import os
import resource
import signal
import socket
import struct
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self
from uuid import uuid4

import uvloop
from sanic import Request, Sanic, response
from sanic.server.protocols.http_protocol import HttpProtocol

from folkmoot.realtime.accepting import Acceptor
from folkmoot.realtime.codes import Close
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.frames import text_frame
from folkmoot.realtime.pace import Pace
from folkmoot.realtime.port import Connections, Door, Gate, Handshake, Limits, Receiver, protocols

CHECKOUT = Path(__file__).parents[2]
PATH = "/ws"
LIMITS = Limits(frame_bytes=65_536, queue_bytes=1 << 20, received_bytes=Pace(1 << 40, 1 << 40), idle_s=60.0)
KEY = b64encode(b"the sample nonce").decode()
PATIENCE_S = 30.0

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = b"mask") -> bytes:
    """A frame as a client writes it; every rule can be broken."""
    size, masked = len(payload), 0x80 if mask else 0
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if size < 126:
        head = bytes((first, masked | size))
    elif size < 65_536:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    if not mask:
        return head + payload
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


def binary_frame(payload: bytes) -> bytes:
    """Of a server. The product sends text only, so it has no such function."""
    return bytes((text_frame(payload)[0] + 1,)) + text_frame(payload)[1:]


def upgrade(path: str = PATH, /, **changes: str | None) -> bytes:
    """A handshake as browsers send it. `changes` replace headers (`_` for `-`), None leaves one out."""
    headers: dict[str, str | None] = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
    }
    for name, value in changes.items():
        known = next((known for known in headers if known.lower() == name.lower().replace("_", "-")), None)
        headers[known or name.replace("_", "-")] = value
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


class Frame(NamedTuple):
    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        """The code of a close frame."""
        return int.from_bytes(self.payload[:2], "big")


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Raw:
    """A client on the bare socket."""

    dialled: ClassVar[list[asyncio.StreamWriter]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.dialled.append(writer)

    @classmethod
    def hang_up(cls) -> None:
        """Ends what a test left open, as one that fails does: nothing of it may reach the next."""
        while cls.dialled:
            writer = cls.dialled.pop()
            writer.transport.abort()

    @classmethod
    async def dial(cls, port: int, *, receive_bytes: int | None = None) -> Self:
        """Connects, without a handshake. `receive_bytes` is what the kernel takes for a client that does not read."""
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=sock, limit=2**16))

    @classmethod
    async def connect(cls, port: int, path: str = PATH, *, receive_bytes: int | None = None) -> Self:
        client = await cls.dial(port, receive_bytes=receive_bytes)
        client.write(upgrade(path))
        answer = await client.answer()
        assert answer.status == 101, answer
        return client

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def send(self, opcode: int, payload: bytes = b"", **rules: Any) -> None:
        self.writer.write(frame(opcode, payload, **rules))

    async def answer(self) -> Answer:
        """Reads one HTTP response."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:-2])}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, body)

    async def read(self) -> Frame:
        async with asyncio.timeout(PATIENCE_S):
            first, second = await self.reader.readexactly(2)
            assert first & 0x70 == 0
            assert first & 0x80, "the server never fragments"
            assert second & 0x80 == 0, "a server never masks"
            size = second
            if second == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif second == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first & 0x0F, await self.reader.readexactly(size))

    async def read_to_end(self) -> list[Frame]:
        """All frames until the server hangs up."""
        frames = []
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frames.append(await self.read())
        return frames

    async def end(self) -> int | None:
        """The code of the close frame the server sent, when it has hung up; None when there was none."""
        closes = [frame for frame in await self.read_to_end() if frame.opcode == CLOSE]
        assert len(closes) <= 1, "one close frame is enough"
        return closes[0].code if closes else None

    def abort(self) -> None:
        self.writer.transport.abort()

    async def leave(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


class Echo:
    """Answers each message with itself, and remembers what it was told."""

    def __init__(self) -> None:
        self.connection: Connection
        self.messages: list[bytes] = []
        self.told: list[str] = []
        self.close: Close | None = None
        self.gone = asyncio.Event()
        self.is_busy = False

    def connected(self, connection: Connection) -> None:
        self.connection = connection
        self.told.append("connected")

    def received(self, message: bytes, is_text: bool) -> None:
        self.messages.append(message)
        self.connection.send(text_frame(message) if is_text else binary_frame(message))

    def disconnected(self, close: Close | None) -> None:
        self.told.append("disconnected")
        self.close = close
        self.gone.set()


class Mirror:
    """An echo that remembers nothing."""

    __slots__ = ("connection",)
    is_busy = False

    def connected(self, connection: Connection) -> None:
        self.connection = connection

    def disconnected(self, close: Close | None) -> None:
        pass

    def received(self, message: bytes, is_text: bool) -> None:
        self.connection.send(text_frame(message) if is_text else binary_frame(message))


@dataclass
class Node:
    port: int
    app: Sanic[Any, Any]
    server: Any
    connections: Connections
    door: Door
    receivers: list[Any] = field(default_factory=list)

    async def gone(self, receiver: Echo) -> Close | None:
        async with asyncio.timeout(PATIENCE_S):
            await receiver.gone.wait()
        return receiver.close

    async def empty(self) -> None:
        """Waits until no connection is open."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.connections):
                await asyncio.sleep(0.005)


def _application() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic(f"node-{uuid4().hex}", configure_logging=False)
    app.config.MOTD = False
    # Sanic rewrites its own classes when an application starts, and fails when a second one does it again.
    app.config.TOUCHUP = not getattr(HttpProtocol, "__touched__", False)

    @app.get("/hello")
    async def hello(request: Request) -> Any:
        return response.text("hello")

    @app.post("/body")
    async def body(request: Request) -> Any:
        return response.text(str(len(request.body)))

    @app.get(PATH)
    async def plain(request: Request) -> Any:
        return response.text("upgrade", status=426)

    return app


@asynccontextmanager
async def serving(
    gate: Gate | None = None,
    *,
    receiver: Callable[[], Receiver] = Echo,
    limits: Limits = LIMITS,
    **door: Any,
) -> AsyncIterator[Node]:
    """A started node. Leaving the block ends it as the product does: drain, then HTTP."""
    receivers: list[Receiver] = []

    async def let_in(handshake: Handshake) -> Receiver:
        receivers.append(receiver())
        return receivers[-1]

    connections = Connections(limits)
    entrance = Door(gate or let_in, frozenset({PATH, "/connection/websocket"}), connections, **door)
    app = _application()
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)  # Sanic takes port 0 for its default
    sock.setblocking(False)
    server = await app.create_server(
        sock=sock, backlog=1024, return_asyncio_server=True, asyncio_server_kwargs={"start_serving": False}
    )
    assert server is not None
    await server.startup()
    listening = server.server
    assert listening is not None
    connections.start()
    acceptor = Acceptor(sock.dup(), protocols(entrance, app, server.connections))
    try:
        yield Node(sock.getsockname()[1], app, server, connections, entrance, receivers)
    finally:
        Raw.hang_up()
        acceptor.close()
        await acceptor.wait_closed()
        listening.close()
        await entrance.close()
        await connections.stop()
        for protocol in tuple(server.connections):
            protocol.close_if_idle() or protocol.abort()
        await listening.wait_closed()
        await asyncio.sleep(0.01)
        Sanic.unregister_app(app)


def tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident_bytes(pid: int | str = "self") -> int:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def processor_s(pid: int) -> float:
    """The processor time a process has used."""
    with open(f"/proc/{pid}/stat") as stat:
        user, system = stat.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def another_process() -> AsyncIterator[tuple[int, int]]:
    """An echo in a process of its own: (process id, port)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE, cwd=CHECKOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            port = int(await process.stdout.readline())
        yield process.pid, port
    finally:
        Raw.hang_up()
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def let_in(handshake: Handshake) -> Receiver:
        return Mirror()

    async with serving(let_in) as node:
        print(node.port, flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(_main())
