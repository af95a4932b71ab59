"""Whatever people send, repeat and send at once through two nodes: one gapless log, with each message once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.events.event import Event, Person
from folkmoot.events.writer import Writer
from tests.unit.log import Log, assert_gapless, say


@dataclass(frozen=True)
class Sending:
    """One try to send: by whom, which of their messages, through which node, and whether they wait for the answer."""

    author: int
    message: int
    node: int
    room: int
    waits: bool
    gives_up: bool


SENDINGS = st.lists(
    st.builds(
        Sending,
        author=st.integers(0, 2),
        message=st.integers(0, 5),
        node=st.integers(0, 1),
        room=st.integers(0, 1),
        waits=st.booleans(),
        gives_up=st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
async def stage(settings: object, migrated: None) -> AsyncIterator[tuple[Log, list[Writer], list[Person]]]:
    from folkmoot.database import Database

    async with AsyncExitStack() as closing:
        database = Database(settings.dsn, size=6, wait_s=5.0)  # type: ignore[attr-defined]
        await database.open()
        closing.push_async_callback(database.close)
        log = Log(database)
        writers = [await closing.enter_async_context(log.writer(batch=5)) for _ in range(2)]
        yield log, writers, [await log.person(str(number)) for number in range(3)]


def client_id(sending: Sending) -> UUID:
    return UUID(int=sending.author * 100 + sending.message + 1, version=4)


async def play(
    sendings: list[Sending], writers: list[Writer], rooms: list[int], people: list[Person]
) -> list[tuple[Sending, Event]]:
    """Sends as told. Returns what was acknowledged."""
    waiting: list[tuple[Sending, asyncio.Task[Event]]] = []
    for sending in sendings:
        author = people[sending.author]
        draft = say(rooms[sending.room], author, f"{sending.author}/{sending.message}", client_id(sending))
        task = asyncio.create_task(writers[sending.node].append(draft))
        waiting.append((sending, task))
        if sending.waits:
            await asyncio.wait([task])
        elif sending.gives_up:
            await asyncio.sleep(0)
            task.cancel()
    await asyncio.wait([task for _, task in waiting])
    return [(sending, task.result()) for sending, task in waiting if not task.cancelled()]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sendings=SENDINGS)
async def test_any_interleaving_of_sends_and_retries_makes_one_gapless_log_with_each_message_once(
    stage: tuple[Log, list[Writer], list[Person]], sendings: list[Sending]
) -> None:
    log, writers, people = stage
    rooms = [await log.room(*people) for _ in range(2)]
    told_before = len(log.announced)
    acknowledged = await play(sendings, writers, rooms, people)
    await asyncio.gather(*(writer.append(say(room, people[0], "last")) for writer in writers for room in rooms))

    for index, room in enumerate(rooms):
        stored = await log.read(room)
        assert_gapless(stored, await log.head(room))
        messages = [event for event in stored if event.body != "last"]
        sent = {(sending.author, client_id(sending)) for sending in sendings if sending.room == index}
        kept = [(people.index(event.author), event.client_id) for event in messages]
        assert len(kept) == len(set(kept)), "each once"
        assert set(kept) == sent, "nothing lost, also of those who gave up waiting"
        by_seq = {event.seq: event for event in stored}
        for sending, event in acknowledged:
            if sending.room == index:
                assert by_seq[event.seq] == event, "what was said is what is stored"
        told = [event for event in log.announced[told_before:] if event.room_id == room]
        assert sorted(told, key=lambda event: event.seq) == stored, "every event is told once"
