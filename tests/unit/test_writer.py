"""Group commit: in order, each once, and a bad message harms only itself."""

import asyncio
import random
from collections.abc import Sequence
from uuid import uuid4

import pytest
from msgspec.structs import replace

from folkmoot.database import Connection
from folkmoot.errors import Busy, Error, Invalid, NoSuchRoom, Unavailable
from folkmoot.events import writer as writing
from folkmoot.events.event import Draft, Event, Person
from tests.unit.log import Log, assert_gapless, say


async def settled(*waiting: "asyncio.Future[Event]") -> list[object]:
    return list(await asyncio.gather(*waiting, return_exceptions=True))


async def test_the_order_of_calls_is_the_order_of_the_log(log: Log) -> None:
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer(batch=7) as writer:
        answers = await asyncio.gather(*(writer.append(say(room, ada, str(number))) for number in range(50)))
    assert [event.seq for event in answers] == list(range(1, 51))
    stored = await log.read(room)
    assert [event.body for event in stored] == [str(number) for number in range(50)]
    assert_gapless(stored, await log.head(room))
    assert log.announced == answers == stored, "said and told as it is stored"


async def test_what_arrives_while_a_commit_runs_is_written_in_one_transaction(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await log.person()
    room = await log.room(ada)
    batches: list[int] = []
    append = writing._append

    async def counted(connection: object, drafts: list[object]) -> object:
        batches.append(len(drafts))
        return await append(connection, drafts)  # type: ignore[arg-type]

    monkeypatch.setattr(writing, "_append", counted)
    async with log.writer(batch=40) as writer:
        await asyncio.gather(*(writer.append(say(room, ada)) for _ in range(100)))
    assert sum(batches) == 100
    assert len(batches) <= 4
    assert max(batches) <= 40


async def test_a_repeat_is_answered_with_the_first_event_and_told_to_nobody(log: Log) -> None:
    ada = await log.person()
    room, client_id = await log.room(ada), uuid4()
    async with log.writer() as writer:
        first = await writer.append(say(room, ada, "first", client_id))
        again = await writer.append(say(room, ada, "again", client_id))
    assert again == first
    assert log.announced == [first]


async def test_repeats_in_one_batch_are_one_event_and_it_is_the_first(log: Log) -> None:
    ada = await log.person()
    room, client_id = await log.room(ada), uuid4()
    async with log.writer() as writer:
        drafts = [
            say(room, ada, "before"),
            *(say(room, ada, str(n), client_id) for n in range(5)),
            say(room, ada, "after"),
        ]
        answers = await asyncio.gather(*(writer.append(draft) for draft in drafts))
    assert [event.seq for event in answers] == [1, 2, 2, 2, 2, 2, 3]
    assert answers[1].body == "0"
    assert [event.body for event in log.announced] == ["before", "0", "after"]


async def test_who_is_not_in_the_room_is_refused_among_those_who_are(log: Log) -> None:
    ada, eve = await log.person(), await log.person("Eve")
    room = await log.room(ada)
    async with log.writer() as writer:
        answers = await settled(
            *(asyncio.ensure_future(writer.append(say(r, who))) for r, who in ((room, ada), (room, eve), (room, ada)))
        )
        nowhere = await settled(asyncio.ensure_future(writer.append(say(9_000_000_000, ada))))
    assert [getattr(answer, "seq", type(answer)) for answer in answers] == [1, NoSuchRoom, 2]
    assert isinstance(nowhere[0], NoSuchRoom)


@pytest.mark.parametrize("poison", ["\ud800", "a\x00b"], ids=["surrogate", "nul"])
async def test_a_message_that_the_database_cannot_take_fails_alone(log: Log, poison: str) -> None:
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer() as writer:
        bodies = ["one", poison, "two", poison, "three"]
        answers = await settled(*(asyncio.ensure_future(writer.append(say(room, ada, body))) for body in bodies))
    assert [getattr(answer, "seq", type(answer)) for answer in answers] == [1, Invalid, 2, Invalid, 3]
    assert [event.body for event in await log.read(room)] == ["one", "two", "three"]


async def test_a_number_that_the_database_cannot_take_fails_alone(log: Log) -> None:
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer() as writer:
        answers = await settled(
            asyncio.ensure_future(writer.append(say(room, ada))),
            asyncio.ensure_future(writer.append(say(2**70, ada))),
            asyncio.ensure_future(writer.append(say(room, replace_id(ada, 2**70)))),
            asyncio.ensure_future(writer.append(say(room, ada))),
        )
    assert [getattr(answer, "seq", type(answer)) for answer in answers] == [1, Invalid, Invalid, 2]


async def test_what_was_written_alone_is_said_even_if_the_database_goes_away_before_the_next(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await log.person()
    room = await log.room(ada)
    append = writing._append

    async def lost_at_three(connection: Connection, drafts: Sequence[Draft]) -> object:
        if [draft.body for draft in drafts] == ["three"]:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await append(connection, drafts)

    monkeypatch.setattr(writing, "_append", lost_at_three)
    async with log.writer() as writer:
        bodies = ["one", "a\x00b", "two", "three", "four"]
        answers = await settled(*(asyncio.ensure_future(writer.append(say(room, ada, body))) for body in bodies))
        assert [getattr(answer, "seq", type(answer)) for answer in answers] == [1, Invalid, 2, Unavailable, Unavailable]
        assert log.announced == await log.read(room)
        assert (await writer.append(say(room, ada, "five"))).seq == 3, "the room is free again"
    assert [event.body for event in log.announced] == ["one", "two", "five"]


def replace_id(person: Person, user_id: int) -> Person:
    return Person(user_id, person.name)


async def test_a_fault_of_ours_in_one_batch_does_not_end_the_writer(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await log.person()
    room = await log.room(ada)
    append = writing._append

    async def fault(*_: object) -> None:
        raise RuntimeError("planted")

    async with log.writer() as writer:
        monkeypatch.setattr(writing, "_append", fault)
        with pytest.raises(Error) as raised:
            await writer.append(say(room, ada))
        assert (raised.value.code, raised.value.temporary) == ("internal", True)
        monkeypatch.setattr(writing, "_append", append)
        assert (await writer.append(say(room, ada))).seq == 1


async def test_a_fault_of_the_schema_is_not_blamed_on_the_message(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await log.person()
    room = await log.room(ada)

    async def broken(connection: object, *_: object) -> None:
        await connection.fetch("SELECT no_such_column FROM rooms")  # type: ignore[attr-defined]

    monkeypatch.setattr(writing, "_append", broken)
    async with log.writer() as writer:
        answers = await settled(*(asyncio.ensure_future(writer.append(say(room, ada))) for _ in range(2)))
    assert [type(answer) for answer in answers] == [Error, Error]


async def test_a_busy_lane_keeps_its_connection_and_an_idle_one_gives_it_back(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "KEEP_S", 0.1)
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer() as writer:
        before = sum(log.database.wait_s.counts)
        for _ in range(50):
            await writer.append(say(room, ada))
        assert sum(log.database.wait_s.counts) - before <= writing.LANES
        async with asyncio.timeout(5):
            while log.database.connections()[0]:
                await asyncio.sleep(0.02)
    assert_gapless(await log.read(room), 50)


async def test_a_connection_that_is_lost_while_a_lane_keeps_it_costs_no_message(log: Log) -> None:
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer() as writer:
        for number in range(3):
            assert (await writer.append(say(room, ada))).seq == number + 1
            async with log.database.connection() as connection:
                await connection.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """
                )
            async with asyncio.timeout(5):
                while log.database.connections()[0]:  # until we have heard of it
                    await asyncio.sleep(0.01)
    assert_gapless(await log.read(room), 3)


async def test_a_full_queue_refuses_and_what_is_in_it_is_written(log: Log) -> None:
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer(queue=10, batch=5) as writer:
        waiting = [asyncio.ensure_future(writer.append(say(room, ada, str(number)))) for number in range(25)]
        answers = await settled(*waiting)
        refused = [answer for answer in answers if isinstance(answer, Busy)]
        assert 0 < len(refused) <= 15
        assert all(answer.temporary for answer in refused)
        assert (await writer.append(say(room, ada, "later"))).seq == 26 - len(refused)
    assert_gapless(await log.read(room), await log.head(room))


async def test_a_caller_that_goes_away_loses_nothing(log: Log) -> None:
    ada = await log.person()
    room, client_id = await log.room(ada), uuid4()
    async with log.writer() as writer:
        going = asyncio.create_task(writer.append(say(room, ada, "I am off", client_id)))
        refused = asyncio.create_task(writer.append(say(room, Person(0, "nobody"))))
        await asyncio.sleep(0)
        going.cancel()
        refused.cancel()
        for task in (going, refused):
            with pytest.raises(asyncio.CancelledError):
                await task
        assert (await writer.append(say(room, ada, "I am back", client_id))).body == "I am off"
    assert [event.body for event in log.announced] == ["I am off"]


async def test_closing_writes_what_waits_and_then_takes_no_more(log: Log) -> None:
    ada = await log.person()
    room = await log.room(ada)
    async with log.writer(batch=3) as writer:
        waiting = [asyncio.ensure_future(writer.append(say(room, ada))) for _ in range(20)]
        await asyncio.sleep(0)
        await writer.close()
        assert [event.seq for event in await asyncio.gather(*waiting)] == list(range(1, 21))
        with pytest.raises(Unavailable):
            await writer.append(say(room, ada))
    assert_gapless(await log.read(room), 20)


async def test_writers_of_many_rooms_do_not_lock_each_other_out(log: Log) -> None:
    """Two nodes, and twenty people who write to rooms in any order: gapless, and no deadlock."""
    people = [await log.person(str(number)) for number in range(20)]
    rooms = [await log.room(*people) for _ in range(6)]
    chance = random.Random(7)  # noqa: S311 - a test's own dice
    async with log.writer(batch=16) as one, log.writer(batch=16) as two:

        async def talk(person: Person) -> list[Event]:
            picked = [(chance.choice((one, two)), chance.choice(rooms)) for _ in range(25)]
            return list(await asyncio.gather(*(writer.append(say(room, person)) for writer, room in picked)))

        said = [event for events in await asyncio.gather(*map(talk, people)) for event in events]
    assert len(said) == 500
    for room in rooms:
        stored = await log.read(room)
        assert_gapless(stored, await log.head(room))
        mine = sorted((event for event in said if event.room_id == room), key=lambda event: event.seq)
        assert [replace_room(event) for event in mine] == [replace_room(event) for event in stored]


def replace_room(event: Event) -> tuple[int, object, object]:
    return event.seq, event.client_id, event.author


def test_a_draft_without_a_client_id_is_itself_alone() -> None:
    draft = say(1, Person(1, "Ada"))
    assert replace(draft).identity == draft.identity
    assert say(1, Person(1, "Ada")).identity != draft.identity
