"""The disk of the database is full: sending says so, reading goes on, and room is all it takes to mend it."""

import random
from contextlib import AsyncExitStack
from string import ascii_letters
from uuid import uuid4

import asyncpg
import pytest
from centrifuge import ReplyError
from pydantic import SecretStr

from folkmoot.app import Node
from tests.conftest import Start
from tests.fault.machine.database import database_in
from tests.fault.machine.disk import Disk, fill
from tests.fault.machine.talk import Room, Talk, listening
from tests.people import assert_problem, visiting
from tests.realtime.python_client import Sdk, using
from tests.realtime.wire import until, wired

STORAGE_FULL = 507
LONG = 10_000


def noise() -> str:
    """A long body that cannot be compressed much."""
    return "".join(random.choices(ascii_letters, k=LONG))  # noqa: S311 - chance, not secrecy


async def send_until_it_is_full(sdk: Sdk, room: Room) -> ReplyError:
    for _ in range(1_000):
        try:
            await sdk.client.publish(f"room:{room.id}", {"body": noise(), "client_id": str(uuid4())})
        except ReplyError as refusal:
            return refusal
    pytest.fail("a disk without room took ten megabytes")


async def forget_sessions(node: Node) -> None:
    """Nobody is known from memory: whoever comes is looked up, and noted as seen, in the database."""
    async for key in node.core.bus.redis.scan_iter("*session:*"):
        await node.core.bus.redis.delete(key)


async def test_a_full_disk_is_named_reading_goes_on_and_room_is_all_it_takes(
    start: Start, disk: Disk, room: Room
) -> None:
    async with (
        database_in(disk.root / "data") as database,
        start(database_url=SecretStr(database.dsn)) as node,
        using(node.port, room.ada) as writer,
        visiting(node, room.bob) as http,
        Talk(room.id) as talk,
        listening(talk, 3, node.port, room.bob, "/ws") as readers,
    ):
        await writer.connect()
        for _ in range(4):
            talk.write(writer, pause_s=0.01)
        await talk.goes_on(100)
        filler = fill(disk.root)
        refusal = await send_until_it_is_full(writer, room)
        assert (refusal.code, refusal.temporary) == (STORAGE_FULL, True)
        body = {"body": noise(), "client_id": str(uuid4())}
        assert_problem(await http.post(f"/api/v1.0/rooms/{room.id}/messages", json=body), 503, "storage_full")

        for _ in range(50):
            await forget_sessions(node)
            page = await http.get(f"/api/v1.0/rooms/{room.id}/events", params={"after": 0, "limit": 50})
            assert page.status_code == 200, page.text
            assert len(page.json()["events"]) == 50
        await forget_sessions(node)
        async with wired(node.port, room.bob) as newcomer:
            history = await newcomer.do("history", channel=f"room:{room.id}", limit=10, reverse=True)
            assert len(history["publications"]) == 10

        filler.unlink()
        await talk.goes_on(100, within_s=5)
        report = await talk.judge(database.dsn, readers)
        assert not report.anomalies, report
        assert [sdk.times("connected") for sdk in (writer, *readers)] == [1, 1, 1, 1], "nobody lost their connection"


async def use_up_the_write_ahead_log(dsn: str) -> None:
    """PostgreSQL keeps a piece of its log in hand; past it, it cannot promise anything any more, and stops."""
    connection = await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.PostgresConnectionError):
        await connection.execute(
            "SELECT pg_logical_emit_message(false, 'fault', repeat('x', 1000000)) FROM generate_series(1, 1000)"
        )


async def test_a_database_that_stopped_for_want_of_room_goes_on_when_it_is_started_again(
    start: Start, disk: Disk, room: Room
) -> None:
    folder = disk.root / "data"
    async with AsyncExitStack() as outliving:
        async with database_in(folder) as database:
            node = await outliving.enter_async_context(start(database_url=SecretStr(database.dsn), database_wait_s=0.5))
            writer = await outliving.enter_async_context(using(node.port, room.ada, timeout=1.0))
            talk = await outliving.enter_async_context(Talk(room.id))
            readers = await outliving.enter_async_context(listening(talk, 2, node.port, room.bob, "/ws"))
            await writer.connect()
            talk.write(writer)
            await talk.goes_on(50)
            filler = fill(disk.root)
            await use_up_the_write_ahead_log(database.dsn)
            await until(lambda: not database.child.alive)
            assert "No space left on device" in database.child.last_words()
        filler.unlink()
        async with database_in(folder) as database:  # as whatever watches over it does
            await talk.goes_on(50)
            report = await talk.judge(database.dsn, readers)
            assert not report.anomalies, report
            await outliving.aclose()
