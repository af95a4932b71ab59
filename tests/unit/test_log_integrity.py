"""What the database itself holds to, whoever asks: rooms take their events with them, and authors stay."""

import asyncio

import asyncpg
import pytest

from folkmoot.errors import NoSuchRoom
from folkmoot.events import store
from tests.unit.log import Log, say


async def test_a_room_takes_its_events_with_it_and_no_others(log: Log) -> None:
    ada = await log.person()
    goes, stays = await log.room(ada), await log.room(ada)
    async with log.writer() as writer:
        for room in (goes, stays):
            await writer.append(say(room, ada))
    async with log.database.connection() as connection:
        await connection.execute("DELETE FROM rooms WHERE id = $1", goes)
    assert await log.read(goes) == []
    assert len(await log.read(stays)) == 1


async def test_somebody_who_has_said_something_cannot_be_deleted(log: Log) -> None:
    ada, bob = await log.person(), await log.person("Bob")
    room = await log.room(ada, bob)
    async with log.writer() as writer:
        await writer.append(say(room, ada))
    async with log.database.connection() as connection:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute("DELETE FROM users WHERE id = $1", ada.id)
        assert await connection.execute("DELETE FROM users WHERE id = $1", bob.id) == "DELETE 1"
    assert [event.author for event in await log.read(room)] == [ada]


async def until_somebody_waits(log: Log) -> None:
    """Until a session of this database waits for a lock."""
    async with log.database.connection() as connection, asyncio.timeout(5):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)


async def test_who_left_while_the_room_was_locked_is_not_written(log: Log) -> None:
    """The look-up is made after the lock was waited for, not before."""
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer() as writer:
        async with log.database.transaction() as leaving:
            await leaving.execute("SELECT FROM rooms WHERE id = $1 FOR UPDATE", room)
            sending = asyncio.ensure_future(writer.append(say(room, ada)))
            await until_somebody_waits(log)
            await leaving.execute("DELETE FROM members WHERE room_id = $1", room)
        with pytest.raises(NoSuchRoom):
            await sending
    assert await log.read(room) == []
    async with log.database.connection() as connection:
        assert (await store.positions(connection, [room]))[room].head == 0
