"""A line between two programs that can be made bad: slow, narrow, cut, deaf, or in pieces.

It listens on a TCP port or a socket of the file system, and passes what it gets on to another. What is wrong with it is
a list of toxics, which may change while connections are open; each connection asks them for every piece of data.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from tests.fault.toxics import Toxic, Way
from tests.ports import free_port

Address = int | Path  # a port of this machine, or a socket of the file system

READ_BYTES = 65_536
WAITING = 1_000  # pieces that may be on their way at once
RESET = struct.pack("ii", 1, 0)  # SO_LINGER without patience: closing is a reset


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.passed: dict[Way, int] = {"there": 0, "back": 0}
        self._proxy = proxy
        self._ends = (client, server)
        self._closing = False

    def abort(self) -> None:
        for end in self._ends:
            end.transport.abort()

    def reset(self) -> None:
        """Ends it with a reset on both sides; on a socket of the file system there is none, and it is just closed."""
        for end in self._ends:
            sock = end.get_extra_info("socket")
            with suppress(OSError):
                if sock is not None and sock.family != socket.AF_UNIX:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.abort()

    def close_soon(self) -> None:
        """Ends it after what was passed on so far."""
        self._closing = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        delivering = asyncio.create_task(self._deliver(under_way, writer, way), name="proxy-deliver")
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(READ_BYTES):
                await self._proxy.flows.wait()
                delay_s = sum(toxic.delay_s(data) for toxic in self._proxy.toxics_on(way))
                await under_way.put((loop.time() + delay_s, data))
            for toxic in self._proxy.toxics_on(way):
                await toxic.ended()
            await under_way.put((loop.time(), b""))
            await delivering
        finally:
            delivering.cancel()

    async def _deliver(
        self, under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter, way: Way
    ) -> None:
        with suppress(OSError):
            while True:
                due, data = await under_way.get()
                if (left_s := due - asyncio.get_running_loop().time()) > 0:
                    await asyncio.sleep(left_s)
                if not data:
                    break
                await self._write(writer, data, way)
            if not writer.transport.is_closing():
                writer.write_eof()
            return
        self.abort()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, way: Way) -> None:
        pieces = [data]
        toxics = self._proxy.toxics_on(way)
        for toxic in toxics:
            pieces = [piece for whole in pieces for piece in toxic.pieces(whole, self, way)]
        for piece in pieces:
            self.passed[way] += len(piece)
            if writer.is_closing():  # uvloop raises what is no OSError
                raise ConnectionAbortedError
            writer.write(piece)
            await writer.drain()
            pause_s = sum(toxic.pause_s(piece) for toxic in toxics)
            if pause_s or len(pieces) > 1:
                await asyncio.sleep(pause_s)
        if self._closing:
            writer.close()
            raise ConnectionAbortedError


class Proxy:
    """Between `here`, where it listens, and `there`, which may change. `here=0` takes a free port."""

    def __init__(self, here: Address, there: Address) -> None:
        self.here = here
        self.there = there
        self.connected = 0  # how often anybody has come through
        self.toxics: list[Toxic] = []
        self.flows = asyncio.Event()
        self.flows.set()
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert isinstance(self.here, int)
        return self.here

    def toxics_on(self, way: Way) -> list[Toxic]:
        return [toxic for toxic in self.toxics if way in toxic.ways]

    @contextmanager
    def poisoned(self, *toxics: Toxic) -> Iterator[None]:
        """Open connections suffer too."""
        self.toxics += toxics
        try:
            yield
        finally:
            for toxic in toxics:
                self.toxics.remove(toxic)

    def freeze(self) -> None:
        """Takes connections and bytes, and passes nothing on, as a server that was stopped."""
        self.flows.clear()

    def thaw(self) -> None:
        self.flows.set()

    def reset(self) -> None:
        """Every open connection ends with a reset; new ones are welcome."""
        for link in list(self._links):
            link.reset()

    async def cut(self) -> None:
        """Every connection ends at once, and nobody answers here any more."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if isinstance(self.here, Path):
            self.here.unlink(missing_ok=True)
        for link in list(self._links):
            link.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def mend(self) -> None:
        """Listens, for the first time or again."""
        self.flows.set()
        if self._server is not None:
            return
        if isinstance(self.here, Path):
            self._server = await asyncio.start_unix_server(self._accept, self.here)
        else:
            self.here = self.here or free_port()
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.here)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="proxy")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # also when it never began

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, questions = await _dial(self.there)
        except OSError:
            return
        self.connected += 1
        link = Link(self, writer, questions)
        self._links.add(link)
        try:
            with suppress(OSError):
                async with asyncio.TaskGroup() as group:
                    both = [
                        group.create_task(link.carry(reader, questions, "there")),
                        group.create_task(link.carry(answers, writer, "back")),
                    ]
                    opened = [group.create_task(toxic.opened(link)) for toxic in self.toxics]
                    await asyncio.wait(both)
                    for task in opened:
                        task.cancel()
        except* OSError:
            pass
        finally:
            self._links.discard(link)
            questions.transport.abort()


async def _dial(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, Path):
        return await asyncio.open_unix_connection(address)
    return await asyncio.open_connection("127.0.0.1", address)


@asynccontextmanager
async def proxy_to(there: Address, here: Address = 0) -> AsyncIterator[Proxy]:
    proxy = Proxy(here, there)
    await proxy.mend()
    try:
        yield proxy
    finally:
        await proxy.cut()
