"""The stream of a room: gapless, each position once, at the reader's pace, and over when it must be."""

import asyncio

import asyncpg
import grpc
import pytest

from folkmoot.app import Node
from folkmoot.errors import Unavailable
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import until
from tests.rpc.words import Program, channel_to, fill, program_of, refused


async def test_from_now_on_means_that_nothing_earlier_is_heard(ada: Member, program: Program) -> None:
    room = await ada.make_room()
    await program.say(room, "before")
    listening = await program.listen(room)
    assert listening.offset == 2
    said = await program.say(room, "after")
    assert await listening.hears(3) == [said]


async def test_from_the_beginning_is_everything_and_then_what_is_said(
    node: Node, ada: Member, program: Program
) -> None:
    room = await ada.make_room()
    await fill(node, ada, room, map(str, range(450)))  # more than two pages
    listening = await program.listen(room, 0)
    await listening.hears(451)
    await program.say(room, "live")
    assert (await listening.hears(452))[-1].body == "live"


async def test_who_comes_back_hears_what_was_missed_and_nothing_twice(ada: Member, program: Program) -> None:
    room = await ada.make_room()
    first = await program.listen(room, 0)
    await program.say(room, "one")
    await first.hears(2)
    first.stream.cancel()
    await program.say(room, "two")
    again = await program.listen(room, first.offset, first.epoch)
    await program.say(room, "three")
    assert [event.body for event in await again.hears(4)] == ["two", "three"]


async def test_each_position_is_heard_once_while_many_talk_and_readers_come_and_go(
    node: Node, ada: Member, program: Program
) -> None:
    room = await ada.make_room()

    async def talk() -> None:
        for number in range(60):
            await program.say(room, f"{number}")

    async def come_and_go() -> None:
        listening = await program.listen(room, 0)
        while listening.offset < 181:
            await listening.hears(min(181, listening.offset + 7))
            listening.stream.cancel()
            listening = await program.listen(room, listening.offset, listening.epoch)

    async def stay() -> None:
        await (await program.listen(room, 0)).hears(181)

    async with asyncio.TaskGroup() as group:
        for work in (talk, talk, talk, stay, stay, come_and_go, come_and_go):
            group.create_task(work())


async def test_another_node_tells_what_is_said_here(start: Start, ada: Member, program: Program) -> None:
    room = await ada.make_room()
    async with start(grpc_port=0) as other, channel_to(other) as channel:
        there = await program_of(ada, channel).listen(room, 0)
        await there.hears(1)
        await program.say(room, "Hello, other node")
        assert (await there.hears(2))[-1].body == "Hello, other node"


async def test_what_the_bus_did_not_say_is_read_from_the_log(
    node: Node, ada: Member, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await ada.make_room()
    listening = await program.listen(room)
    with monkeypatch.context() as deaf:
        deaf.setattr(node.engine.broker, "_deliver", lambda *_: None)
        await program.say(room, "unheard")
    await program.say(room, "heard")
    assert [event.body for event in await listening.hears(3)] == ["unheard", "heard"]


async def test_a_position_of_another_log_is_refused(ada: Member, program: Program) -> None:
    room = await ada.make_room()
    epoch = (await program.listen(room)).epoch
    for offset, known in ((1, "another"), (2, epoch), (99, "")):
        async with refused(grpc.StatusCode.FAILED_PRECONDITION, "other_log"):
            await program.listen(room, offset, known)
    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        await program.listen(room, -1)


async def test_a_log_that_becomes_another_one_ends_the_stream(
    node: Node, ada: Member, program: Program, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    room = await ada.make_room()
    listening = await program.listen(room)
    await database.execute("UPDATE rooms SET epoch = 'restored' WHERE id = $1", room)
    await node.engine.broker._sweep()
    assert await listening.ends() == (grpc.StatusCode.UNAVAILABLE, "unavailable")
    async with refused(grpc.StatusCode.FAILED_PRECONDITION, "other_log"):
        await program.listen(room, listening.offset, listening.epoch)


async def test_who_is_not_a_member_any_more_hears_nothing_more(
    ada: Member, bob: Member, program: Program, channel: grpc.aio.Channel
) -> None:
    room = await ada.make_room()
    await bob.join(room)
    listening = await program_of(bob, channel).listen(room)
    await bob.leave(room)
    assert await listening.ends() == (grpc.StatusCode.PERMISSION_DENIED, "forbidden")


async def test_a_session_that_ends_ends_its_streams_at_once_and_no_others(
    node: Node, ada: Member, program: Program, channel: grpc.aio.Channel
) -> None:
    room = await ada.make_room()
    token = (await ada.http.post("/api/v1.0/tokens", json={"name": "Gone", "scopes": ["all"]})).json()
    theirs, own = Program(channel, token["token"]), await program.listen(room)
    ending = [await theirs.listen(room) for _ in range(3)]
    assert (await ada.http.delete(f"/api/v1.0/tokens/{token['about']['id']}")).status_code == 204
    for listening in ending:
        assert await listening.ends() == (grpc.StatusCode.UNAUTHENTICATED, "not_signed_in")
    said = await program.say(room, "Still here")
    assert await own.hears(said.seq) == [said]


async def test_a_session_that_expires_ends_its_streams(
    node: Node, ada: Member, channel: grpc.aio.Channel, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    room = await ada.make_room()
    token = (await ada.http.post("/api/v1.0/tokens", json={"name": "Short", "scopes": ["all"]})).json()
    await database.execute(
        "UPDATE sessions SET expires_at = now() + interval '1.5 seconds' WHERE id = $1", token["about"]["id"]
    )
    listening = await Program(channel, token["token"]).listen(room)
    async with asyncio.timeout(6):  # and not only when the sessions are looked through
        assert await listening.ends() == (grpc.StatusCode.UNAUTHENTICATED, "not_signed_in")


async def test_a_session_that_has_just_ended_gets_no_stream(node: Node, ada: Member, program: Program) -> None:
    room = await ada.make_room()
    (session,) = [one["id"] for one in (await ada.http.get("/api/v1.0/sessions")).json()["sessions"]]
    node.engine.hub.end_sessions([session])
    async with refused(grpc.StatusCode.UNAUTHENTICATED, "not_signed_in"):
        await program.listen(room)


async def test_a_revocation_that_the_bus_lost_is_found_soon(
    node: Node, ada: Member, program: Program, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    room = await ada.make_room()
    listening = await program.listen(room)
    await database.execute("DELETE FROM sessions WHERE user_id = $1", ada.id)
    for look_now in node.core.bus._on_change:  # instead of waiting until it is time to
        look_now()
    async with asyncio.timeout(10):
        assert await listening.ends() == (grpc.StatusCode.UNAUTHENTICATED, "not_signed_in")


async def test_a_slow_reader_is_neither_waited_for_nor_sent_away(start: Start) -> None:
    small = {"grpc_port": 0, "grpc_queue_bytes": 4096}
    window = ("grpc.http2.lookahead_bytes", 1024)
    async with start(**small) as node, enrol(node, "Ada") as ada, channel_to(node, window) as channel:
        program, room = program_of(ada, channel), await ada.make_room()
        slow, quick = await program.listen(room, 0), await program.listen(room, 0)
        behind = _fell_behind()
        for turn in range(20):
            await fill(node, ada, room, ["🌳" * 1_000] * 20)
            await quick.hears(1 + 20 * (turn + 1))
        assert _fell_behind() > behind, "it must have been too slow for this to mean anything"
        assert all(_queued(listener) <= 4096 for listener in node.engine.hub.listeners(f"room:{room}"))
        await slow.hears(401)
        said = await program.say(room, "and on")
        assert (await slow.hears(402))[-1] == said


async def test_a_database_that_is_away_ends_the_stream_with_a_reason_to_come_back(
    node: Node, ada: Member, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await ada.make_room()

    async def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("folkmoot.modules.messages.actions.find", away)
    async with refused(grpc.StatusCode.UNAVAILABLE, "unavailable"):
        await program.listen(room)


async def test_nothing_is_left_of_streams_that_are_gone(node: Node, ada: Member, program: Program) -> None:
    room = await ada.make_room()
    hub = node.engine.hub
    for _ in range(20):
        listening = await program.listen(room)
        listening.stream.cancel()
    await until(lambda: f"room:{room}" not in hub.channels and hub.sockets_of(ada.id) == 0)
    assert not [task for task in asyncio.all_tasks() if "Subscribe" in task.get_name()]


def _fell_behind() -> float:
    from folkmoot.rpc.metrics import FELL_BEHIND

    return float(FELL_BEHIND._value.get())


def _queued(listener: object) -> int:
    return int(getattr(listener, "_queued_bytes", 0))
