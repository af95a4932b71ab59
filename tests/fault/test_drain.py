"""A node that is asked to stop answers what was begun, sends everybody away, and ends in time."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.fault.supervised import supervised
from tests.people import Member, visiting
from tests.realtime.support import Raw
from tests.realtime.wire import until, wired


class Stopping:
    """A node that a test may ask to stop."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.asked = asyncio.Event()
        self.ended = asyncio.Event()


@asynccontextmanager
async def stopping(start: Start, **settings: object) -> AsyncIterator[Stopping]:
    started: asyncio.Future[Stopping] = asyncio.get_running_loop().create_future()

    async def live() -> None:
        async with start(**settings) as node:
            started.set_result(Stopping(node))
            await started.result().asked.wait()
        started.result().ended.set()

    living = asyncio.create_task(live())
    found = await started
    try:
        yield found
    finally:
        found.asked.set()
        await living


@asynccontextmanager
async def held(database: "asyncpg.Connection[asyncpg.Record]", room_id: int) -> AsyncIterator[None]:
    """Nothing can be written to the room meanwhile."""
    async with database.transaction():
        await database.execute("SELECT FROM rooms WHERE id = $1 FOR UPDATE", room_id)
        yield


async def waits_for_lock(database: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Waits until somebody stands before a lock."""
    async with asyncio.timeout(10):
        while not await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


async def test_messages_that_were_begun_are_acknowledged_before_the_socket_closes(
    start: Start, ada: Member, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    room_id = await ada.make_room()
    async with stopping(start, drain_s=0.0) as stopped, wired(stopped.node.port, ada.token) as wire:
        async with held(database, room_id):
            sending = [asyncio.create_task(wire.post(room_id, f"{number}")) for number in range(3)]
            await waits_for_lock(database)
            stopped.asked.set()
            await asyncio.sleep(0.3)
            assert not any(each.done() for each in sending)
            assert wire.socket.close_code is None
        await asyncio.gather(*sending)
        assert await wire.expect_close() == 3001
        await stopped.ended.wait()
    events = await ada.events(room_id)
    assert [event["body"] for event in events[1:]] == ["0", "1", "2"]


async def test_requests_that_were_begun_are_answered_and_told_that_it_is_the_last_time(
    start: Start, ada: Member, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    room_id = await ada.make_room()
    async with stopping(start, drain_s=20.0) as stopped, visiting(stopped.node, ada.token) as http:
        async with held(database, room_id):
            message = {"body": "begun", "client_id": str(uuid4())}
            sending = asyncio.create_task(http.post(f"/api/v1.0/rooms/{room_id}/messages", json=message))
            await waits_for_lock(database)
            stopped.asked.set()
            await asyncio.sleep(0.3)
        answer = await sending
        assert answer.status_code == 201
        assert answer.headers["connection"] == "close"
        began = time.monotonic()
        await stopped.ended.wait()
        assert time.monotonic() - began < 10, "whoever has their answer is not waited for"


async def test_while_it_stops_it_is_not_ready_and_takes_nobody_in(start: Start, ada: Member) -> None:
    async with stopping(start, drain_s=20.0) as stopped:
        port = stopped.node.port
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.gather(*(ask(*one, "/readyz", b"200") for one in kept))
        client = await Raw.dial(port)
        stopped.asked.set()
        await until(lambda: stopped.node.connections.is_draining)
        head = await ask(*kept[0], "/readyz", b"503")
        assert b"connection: close" in head
        head = await ask(*kept[1], "/api", b"200")
        assert b"connection: close" in head
        client.write(b"GET /ws HTTP/1.1\r\nHost: localhost\r\n")
        client.write(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
        client.write(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert (await client.answer()).status == 503
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await client.leave()
        for _, writer in kept:
            writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, status: bytes) -> bytes:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status), head
    size = next(int(line.split(b": ")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    await reader.readexactly(size)
    return head


async def test_connections_that_ask_nothing_are_not_waited_for(start: Start) -> None:
    async with stopping(start, drain_s=20.0) as stopped:
        reader, writer = await asyncio.open_connection("127.0.0.1", stopped.node.port)
        await ask(reader, writer, "/api", b"200")
        began = time.monotonic()
        stopped.asked.set()
        assert await reader.read() == b""
        await stopped.ended.wait()
        assert time.monotonic() - began < 10
        writer.close()


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_start_that_is_asked_to_stop_ends_at_once(
    settings: Settings, tmp_path: Path, workers: str, postgres_relay: tuple[Proxy, SecretStr]
) -> None:
    relay, dsn = postgres_relay
    relay.freeze()
    waiting = settings.model_copy(update={"database_url": dsn})
    async with supervised(waiting, tmp_path, "--workers", workers, FOLKMOOT_DATABASE_START_S="60") as running:
        await until(lambda: relay._tasks, 30)
        began = time.monotonic()
        assert await running.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 30
        assert "Traceback" not in str(running.lines)


async def test_with_a_database_that_hangs_it_ends_within_its_bound(
    settings: Settings, migrated: None, ada: Member, tmp_path: Path, postgres_relay: tuple[Proxy, SecretStr]
) -> None:
    relay, dsn = postgres_relay
    room_id = await ada.make_room()
    behind = settings.model_copy(update={"database_url": dsn})
    async with supervised(behind, tmp_path, FOLKMOOT_DRAIN_S="1") as running:
        await running.ready(2)
        async with wired(running.port, ada.token) as wire:
            relay.freeze()
            await wire.say(*(_message(wire.command, room_id, number) for number in range(20)))
            await asyncio.sleep(0.5)
            began = time.monotonic()
            assert await running.stop() == 0
            assert time.monotonic() - began < 25
            assert await wire.expect_close() == 3001


def _message(command: object, room_id: int, number: int) -> dict[str, object]:
    data = {"body": str(number), "client_id": str(uuid4())}
    return command("publish", channel=f"room:{room_id}", data=data)  # type: ignore[operator, no-any-return]
