"""Words for tests of the log without any door: rooms, people, and writers over a real PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from folkmoot.database import Database
from folkmoot.events import store
from folkmoot.events.event import Draft, Event, Person
from folkmoot.events.writer import Writer


class Log:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.announced: list[Event] = []

    async def person(self, name: str = "Ada") -> Person:
        async with self.database.connection() as connection:
            user_id = await connection.fetchval(
                "INSERT INTO users (email, password, name) VALUES ($1, 'x', $2) RETURNING id",
                f"{uuid4().hex}@x.org",
                name,
            )
        return Person(user_id, name)

    async def room(self, *people: Person) -> int:
        """An empty log that these people may write to."""
        async with self.database.transaction() as connection:
            room_id: int = await connection.fetchval(
                "INSERT INTO rooms (name, visibility) VALUES ('Test', 'private') RETURNING id"
            )
            await connection.executemany(
                "INSERT INTO members (room_id, user_id) VALUES ($1, $2)", [(room_id, person.id) for person in people]
            )
        return room_id

    @asynccontextmanager
    async def writer(self, *, queue: int = 1000, batch: int = 64) -> AsyncIterator[Writer]:
        writer = Writer(self.database, self._announce, queue=queue, batch=batch)
        writer.start()
        try:
            yield writer
        finally:
            await writer.close()

    async def read(self, room_id: int) -> list[Event]:
        async with self.database.connection() as connection:
            return await store.events_after(connection, room_id, 0, 100_000)

    async def head(self, room_id: int) -> int:
        async with self.database.connection() as connection:
            return (await store.positions(connection, [room_id]))[room_id].head

    def _announce(self, events: Sequence[Event]) -> None:
        self.announced += events


def say(room_id: int, author: Person, body: str = "Hello", client_id: UUID | None = None) -> Draft:
    return Draft(room_id, "message", author, body, client_id or uuid4())


def assert_gapless(events: Sequence[Event], head: int) -> None:
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert head == len(events)
