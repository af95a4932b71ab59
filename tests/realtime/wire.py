"""A client of the protocol that says exactly what it is told, line by line, and remembers all it hears."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, cast
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

PATIENCE_S = 30.0

Line = dict[str, Any]


async def until(happened: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Waits for a condition of this process."""
    async with asyncio.timeout(within_s):
        while not happened():
            await asyncio.sleep(0.005)


class Wire:
    """One socket. Pings are answered unless `answers_pings` is switched off."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.answers_pings = True
        self.replies: dict[int, Line] = {}
        self.pushes: list[Line] = []
        self.lines: list[Line] = []  # everything but pings, in the order it came
        self.pings = 0
        self._id = 0
        self._seen = 0
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read(), name="wire-read")

    async def leave(self) -> None:
        await self.socket.close()
        await self._reader

    async def vanish(self) -> None:
        """Goes without a word."""
        self.socket.transport.abort()
        await self._reader

    # -- saying

    async def say(self, *commands: Mapping[str, Any]) -> None:
        """Sends commands as they are, in one frame."""
        await self.socket.send("\n".join(json.dumps(command) for command in commands))

    async def raw(self, frame: str | bytes) -> None:
        await self.socket.send(frame)

    def command(self, name: str, /, **request: Any) -> Line:
        self._id += 1
        return {"id": self._id, name: request}

    async def ask(self, name: str, /, **request: Any) -> Line:
        """The reply to a command, whatever it is."""
        command = self.command(name, **request)
        await self.say(command)
        return await self.reply(command["id"])

    async def do(self, command: str, /, **request: Any) -> Line:
        """The result of a command that must succeed."""
        reply = await self.ask(command, **request)
        assert "error" not in reply, reply
        return cast("Line", reply[command])

    async def refused(self, command: str, /, **request: Any) -> int:
        """The code of a refusal."""
        reply = await self.ask(command, **request)
        assert "error" in reply, reply
        return int(reply["error"]["code"])

    async def connect(self, token: str = "", **request: Any) -> Line:
        return await self.do("connect", **({"token": token} if token else {}), **request)

    async def subscribe(self, channel: str, **request: Any) -> Line:
        return await self.do("subscribe", channel=channel, **request)

    async def rpc(self, method: str, **data: Any) -> Any:
        return (await self.do("rpc", method=method, data=data))["data"]

    async def post(self, room_id: int, body: str, client_id: str | None = None) -> None:
        data = {"body": body, "client_id": client_id or str(uuid4())}
        await self.do("publish", channel=f"room:{room_id}", data=data)

    # -- hearing

    async def reply(self, command_id: int) -> Line:
        await self.hears(lambda: command_id in self.replies)
        return self.replies[command_id]

    async def expect_push(self, kind: str = "pub", channel: str | None = None) -> Line:
        """The next push of this kind; what comes before it is skipped."""
        while True:
            await self.hears(lambda: len(self.pushes) > self._seen)
            push = self.pushes[self._seen]
            self._seen += 1
            if kind in push and channel in (None, push["channel"]):
                return push

    async def expect_event(self, room_id: int, seq: int) -> Line:
        """The push of this entry of a room's log."""
        found: list[Line] = []

        def came() -> bool:
            found[:] = [push for push in self.of(room_id) if push["offset"] == seq]
            return bool(found)

        await self.hears(came)
        return cast("Line", found[0]["data"])

    async def expect_close(self, within_s: float = PATIENCE_S) -> int:
        """The code the server closes with; 1006 when it says none."""
        async with asyncio.timeout(within_s):
            await asyncio.shield(self._reader)
        return self.socket.close_code or 1006

    async def hears(self, wanted: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(within_s), self._news:
            while not wanted():
                assert not self._reader.done(), f"closed with {self.socket.close_code}"
                await self._news.wait()

    def of(self, room_id: int) -> list[Line]:
        """The publications of a room's channel so far."""
        return [push["pub"] for push in self.pushes if push["channel"] == f"room:{room_id}" and "pub" in push]

    def offsets(self, room_id: int) -> list[int]:
        return [pub["offset"] for pub in self.of(room_id)]

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for frame in self.socket:
                for line in str(frame).split("\n"):
                    await self._take(json.loads(line))
        async with self._news:
            self._news.notify_all()

    async def _take(self, line: Line) -> None:
        if not line:
            self.pings += 1
            if self.answers_pings:
                await self.socket.send("{}")
        else:
            self.lines.append(line)
        if "push" in line:
            self.pushes.append(line["push"])
        elif "id" in line:
            assert line["id"] not in self.replies, "a command is answered once"
            self.replies[line["id"]] = line
        async with self._news:
            self._news.notify_all()

    @classmethod
    async def open(
        cls,
        port: int,
        path: str = "/ws",
        *,
        host: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        origin: str | None = None,
    ) -> Self:
        """Raises InvalidStatus when the handshake is refused."""
        socket = await connect(
            f"ws://{host}:{port}{path}",
            additional_headers=headers,
            origin=Origin(origin) if origin is not None else None,
            compression=None,
            ping_interval=None,
            max_size=None,
            max_queue=None,
            proxy=None,
        )
        return cls(socket)


@asynccontextmanager
async def wired(port: int, token: str | None = None, path: str = "/ws", **options: Any) -> AsyncIterator[Wire]:
    """An open socket, which has said who it is if there is a token."""
    wire = await Wire.open(port, path, **options)
    try:
        if token is not None:
            await wire.connect(token)
        yield wire
    finally:
        await wire.leave()


class Cable:
    """A TCP line to a node that the test can cut: everything on it ends with a reset, in both directions."""

    def __init__(self, port: int) -> None:
        self.to_port = port
        self.port = 0
        self.connected = 0  # how often anybody has come through
        self._whole = True
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Breaks the line, until it is mended."""
        self._whole = False
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        self._whole = True

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        self.connected += 1
        there, back = await asyncio.open_connection("127.0.0.1", self.to_port)
        ends = {writer, back}
        self._ends |= ends
        try:
            await asyncio.gather(_pump(reader, back), _pump(there, writer))
        finally:
            self._ends -= ends
            for end in ends:
                end.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer), name="cable")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    if not writer.transport.is_closing():
        with suppress(OSError):
            writer.write_eof()


@asynccontextmanager
async def cable_to(port: int) -> AsyncIterator[Cable]:
    cable = Cable(port)
    server = await asyncio.start_server(cable._accept, "127.0.0.1", 0)
    cable.port = server.sockets[0].getsockname()[1]
    try:
        yield cable
    finally:
        server.close()
        cable.cut()
        await asyncio.gather(*cable._tasks, return_exceptions=True)
        await server.wait_closed()
