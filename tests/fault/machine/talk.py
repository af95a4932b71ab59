"""People who talk while something breaks, and the history of what they were told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

import asyncpg
from centrifuge import CentrifugeError

from tests.fault.checker import Report, check
from tests.fault.history import History, key_of
from tests.realtime.python_client import Sdk
from tests.realtime.wire import until

AGAIN_S = 0.05


class Listener(Sdk):
    """An SDK that notes what it is shown of a room."""

    def __init__(self, history: History, name: str, room: int, *address: Any, **options: Any) -> None:
        super().__init__(*address, **options)
        self.name = name
        self._history = history
        self._room = room

    async def on_publication(self, ctx: Any) -> None:
        await super().on_publication(ctx)
        if ctx.channel == f"room:{self._room}":
            self._history.poll(self.name, self._room, ctx.pub.offset, key_of(ctx.pub.data))

    async def on_subscribed(self, ctx: Any) -> None:
        await super().on_subscribed(ctx)
        if ctx.channel == f"room:{self._room}" and not ctx.recovered:
            self._history.seek(self.name, self._room, ctx.stream_position.offset)


class Talk:
    """A conversation in one room. Leaving its block ends whoever still writes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.history = History()
        self.acknowledged = 0
        self.last_head = 0
        self.readers = 0
        self._enough = False
        self._writers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.cancel()
        await asyncio.gather(*self._writers, return_exceptions=True)

    def write(self, sdk: Sdk, *, pause_s: float = 0.0, tries: int | None = None) -> None:
        """Lets somebody write one message after the other until the talk ends.

        Each is sent with one client id until it is acknowledged, or `tries` are used up.
        """
        name = f"writer {len(self._writers)}"
        self._writers.append(asyncio.create_task(self._write(sdk, name, pause_s, tries or 1_000_000), name=name))

    async def goes_on(self, messages: int, within_s: float = 30.0) -> None:
        """Waits until so many more are acknowledged."""
        wanted = self.acknowledged + messages
        await until(lambda: self.acknowledged >= wanted or any(writer.done() for writer in self._writers), within_s)
        assert self.acknowledged >= wanted

    async def end(self) -> None:
        """Ends when every writer knows how their last message went."""
        self._enough = True
        await asyncio.gather(*self._writers)

    async def _write(self, sdk: Sdk, name: str, pause_s: float, tries: int) -> None:
        turn = 0
        while not self._enough:
            body, client_id = f"{name}.{turn}", str(uuid4())
            turn += 1
            for _ in range(tries):
                if await self._send(sdk, name, body, client_id):
                    break
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(pause_s)

    async def _send(self, sdk: Sdk, name: str, body: str, client_id: str) -> bool:
        key = key_of({"client_id": client_id, "body": body})
        self.history.send("invoke", name, self.room, key)
        try:
            await sdk.client.publish(f"room:{self.room}", {"body": body, "client_id": client_id})
        except (CentrifugeError, TimeoutError):
            self.history.send("info", name, self.room, key)
            return False
        self.history.send("ok", name, self.room, key)
        self.acknowledged += 1
        return True

    async def drain(self, dsn: str) -> None:
        """Reads the whole log where it is stored, when all is over."""
        connection = await asyncpg.connect(dsn)
        try:
            rows = await connection.fetch(
                "SELECT seq, client_id, body FROM events WHERE room_id = $1 ORDER BY seq", self.room
            )
        finally:
            await connection.close()
        for row in rows:
            key = key_of({"client_id": str(row["client_id"]), "body": row["body"]})
            self.history.drain("fresh reader", self.room, row["seq"], key)
        self.last_head = max((row["seq"] for row in rows), default=0)

    async def judge(self, dsn: str, readers: Sequence["Listener"] = ()) -> Report:
        """Ends the talk, reads the log, lets the readers catch up, and judges all that was said and shown."""
        await self.end()
        await self.drain(dsn)
        await until(lambda: all(reader.heard(f"room:{self.room}")[-1:] == [self.last_head] for reader in readers))
        return self.report()

    def report(self) -> Report:
        return check(self.history.entries)


@asynccontextmanager
async def listening(talk: Talk, count: int, *address: Any, **options: Any) -> AsyncIterator[list[Listener]]:
    """Connected SDKs of one person."""
    async with AsyncExitStack() as stack:
        listeners = []
        for _ in range(count):
            talk.readers += 1
            listener = Listener(talk.history, f"reader {talk.readers}", talk.room, *address, **options)
            stack.push_async_callback(listener.client.disconnect)
            await listener.connect()
            listeners.append(listener)
        yield listeners


@dataclass(frozen=True)
class Room:
    """A room and two people who are in it."""

    id: int
    ada: str  # their tokens
    bob: str
