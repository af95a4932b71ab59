"""Who listens to what, and the fan-out: merged, in order, and only to those who are in."""

import asyncio
import gc
import json
from itertools import pairwise

from folkmoot.realtime.client import Client
from folkmoot.realtime.hub import BUFFERED_LINES, Hub
from tests.conftest import Start
from tests.people import enrol
from tests.realtime.listeners import Listener
from tests.realtime.support import TEXT, Raw
from tests.realtime.wire import until, wired


def settled(hub: Hub, name: str, *listeners: Listener) -> None:
    for listener in listeners:
        hub.enter(name, listener)
        hub.settle(name, listener, 0)


def line(offset: int) -> bytes:
    return json.dumps({"push": {"channel": "c", "pub": {"offset": offset}}}).encode()


async def test_lines_of_one_tick_are_one_frame_shared_by_all_listeners() -> None:
    hub, one, two = Hub(), Listener(), Listener()
    settled(hub, "c", one, two)
    for offset in range(1, 6):
        hub.say(hub.channels["c"], offset, [line(offset)])
    assert one.frames == []
    await asyncio.sleep(0)
    assert one.offsets == [1, 2, 3, 4, 5]
    assert len(one.frames) == 1
    assert one.frames[0] is two.frames[0]


async def test_many_channels_are_one_write_for_each_listener() -> None:
    hub, both, only = Hub(), Listener(), Listener()
    settled(hub, "a", both, only)
    settled(hub, "b", both)
    hub.say(hub.channels["a"], 1, [line(1)])
    hub.say(hub.channels["b"], 7, [line(7)])
    hub.say(hub.channels["a"], 2, [line(2)])
    await asyncio.sleep(0)
    assert len(both.frames) == len(only.frames) == 1
    assert sorted(both.offsets) == [1, 2, 7]
    assert only.offsets == [1, 2]


async def test_what_is_said_while_one_enters_is_handed_over_beyond_its_position() -> None:
    hub, entering, there = Hub(), Listener(), Listener()
    settled(hub, "c", there)
    hub.enter("c", entering)
    for offset in (1, 2, 3):
        hub.say(hub.channels["c"], offset, [line(offset)])
    assert hub.settle("c", entering, after=1) == [line(2), line(3)]
    hub.say(hub.channels["c"], 4, [line(4)])
    await asyncio.sleep(0)
    assert entering.offsets == [4]
    assert there.offsets == [1, 2, 3, 4]


async def test_a_channel_that_says_too_much_while_one_enters_calls_it_slow() -> None:
    hub, entering = Hub(), Listener()
    hub.enter("c", entering)
    hub.say(hub.channels["c"], 1, [b"{}"] * (BUFFERED_LINES + 1))
    assert entering.closes == [3008]


async def test_who_is_taken_out_gets_what_was_said_before_and_nothing_after() -> None:
    hub, out, stays = Hub(), Listener(user_id=1), Listener(user_id=2)
    settled(hub, "c", out, stays)
    hub.say(hub.channels["c"], 1, [line(1)])
    hub.leave(1, "c")
    hub.say(hub.channels["c"], 2, [line(2)])
    await asyncio.sleep(0)
    assert out.left_rooms == ["c"]
    assert out.offsets == [1]
    assert stays.offsets == [1, 2]


async def test_an_empty_channel_is_forgotten() -> None:
    hub, one, two = Hub(), Listener(), Listener()
    emptied: list[str] = []
    hub.on_empty = emptied.append
    settled(hub, "c", one)
    hub.enter("c", two)
    hub.exit("c", one)
    assert emptied == []
    hub.exit("c", two)
    hub.exit("c", two)
    assert emptied == ["c"]
    assert hub.channels == {}


async def test_sockets_are_known_by_user_and_by_session() -> None:
    hub = Hub()
    one, two, other = Listener(1, 10), Listener(1, 11), Listener(2, 20)
    for socket in (one, two, other):
        assert hub.attach(socket)
    assert hub.sockets_of(1) == 2
    assert sorted(hub.sessions()) == [10, 11, 20]
    hub.join(1, "c")
    assert (one.rooms, two.rooms, other.rooms) == (["c"], ["c"], [])
    hub.end_sessions([11])
    assert (one.closes, two.closes, other.closes) == ([], [3503], [])
    hub.detach(two)
    hub.detach(two)
    assert hub.sockets_of(1) == 1
    assert not hub.attach(Listener(1, 11)), "an ended session gets no more sockets"
    for socket in (one, other):
        hub.detach(socket)
    assert hub.sessions() == []


# -- with real sockets


async def test_three_hundred_abrupt_connections_leave_nothing_behind(start: Start) -> None:
    async with start() as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        engine = node.engine

        async def come_and_go(turn: int) -> None:
            client = await Raw.connect(node.port)
            commands = [
                {"id": 1, "connect": {"token": ada.token}},
                {"id": 2, "subscribe": {"channel": f"room:{room_id}", "join_leave": True}},
                {"id": 3, "subscribe": {"channel": f"typing:{room_id}"}},
                {"id": 4, "rpc": {"method": "rooms.mine"}},
            ]
            client.send(TEXT, "\n".join(json.dumps(command) for command in commands).encode())
            for _ in range(turn % 5):
                await client.read()
            client.abort()

        for first in range(0, 300, 15):
            await asyncio.gather(*(come_and_go(first + number) for number in range(15)))
        await until(lambda: len(node.connections) == 0)
        await until(lambda: not engine.tasks)
        assert engine.hub.channels == {}
        assert engine.hub.sessions() == []
        assert engine.hub.sockets_of(ada.id) == 0
        assert engine.broker._streams == {}
        assert engine.heartbeat._strangers == set()
        assert engine.heartbeat._deadlines == {}
        assert engine.heartbeat._slot_of == {}
        assert not any(engine.heartbeat._slots)
        await until(lambda: engine.presence._rolls == {})
        assert engine.presence._watching._watchers == {}
        assert await engine.presence.of(f"room:{room_id}") == {}
        gc.collect()
        assert not [one for one in gc.get_objects() if isinstance(one, Client) and one.engine is engine]


async def test_a_slow_reader_does_without_typing_first_then_is_closed_and_the_others_are_served(start: Start) -> None:
    queue = 64 * 1024
    async with start(socket_queue_bytes=queue) as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        slow = await Raw.connect(node.port, receive_bytes=4096)
        commands = [
            {"id": 1, "connect": {"token": ada.token}},
            {"id": 2, "subscribe": {"channel": f"typing:{room_id}"}},
        ]
        slow.send(TEXT, "\n".join(json.dumps(command) for command in commands).encode())
        await until(lambda: f"typing:{room_id}" in node.engine.hub.channels)
        slow.reader._transport.pause_reading()  # type: ignore[attr-defined]  # asyncio
        async with wired(node.port, ada.token) as quick:
            await quick.subscribe(f"typing:{room_id}")
            for number in range(400):
                await quick.post(room_id, f"{number:05}" + "x" * 4_000)
                await quick.do("publish", channel=f"typing:{room_id}", data={"n": number})
                if node.connections.closed[3008]:
                    break
            await until(lambda: node.connections.closed[3008] == 1)
            assert node.connections.dropped > 0, "typing went first"
            await quick.rpc("rooms.mine")
            offsets = quick.offsets(room_id)
            assert all(later == earlier + 1 for earlier, later in pairwise(offsets))
            typed = [push for push in quick.pushes if push["channel"] == f"typing:{room_id}" and "pub" in push]
            assert len(typed) == len(offsets)
        slow.abort()
