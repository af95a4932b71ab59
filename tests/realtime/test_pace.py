"""How fast one socket may go: what it says or does, and the bytes that are read from it."""

import asyncio
from dataclasses import replace

import pytest

from folkmoot.realtime.pace import Pace
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.people import enrol
from tests.realtime.support import LIMITS, TEXT, Frame, Raw, serving
from tests.realtime.test_echo import echo, end_of
from tests.realtime.wire import Wire, wired

PATIENCE_S = 20.0


def test_what_the_limits_are_unless_the_operator_says_otherwise() -> None:
    fields = Settings.model_fields
    given = [fields[f"socket_{name}"].default for name in ("messages_per_s", "messages_burst", "bytes_per_s")]
    assert given == [10, 30, 65_536]


@pytest.mark.parametrize(("full_at", "now", "spent"), [(0.0, 5.0, 30), (5.0, 5.0, 30), (7.0, 5.0, 10), (8.0, 5.0, 0)])
def test_a_bucket_gives_what_is_in_it_and_no_more(full_at: float, now: float, spent: int) -> None:
    pace = Pace(10, 30)
    for _ in range(spent):
        full_at = pace.spend(full_at, now)
        assert pace.excess_s(full_at, now) <= 1e-9
    assert pace.excess_s(pace.spend(full_at, now), now) == pytest.approx(0.1)
    assert pace.excess_s(pace.spend(full_at, now + 0.1), now + 0.1) == pytest.approx(0)


# -- what somebody says or does


async def ask(wire: Wire, times: int) -> list[int]:
    """The codes of as many calls, one after the other; 0 for those that were done."""
    replies = [await wire.ask("rpc", method="rooms.mine") for _ in range(times)]
    assert all(reply["error"]["temporary"] for reply in replies if "error" in reply)
    return [reply["error"]["code"] if "error" in reply else 0 for reply in replies]


async def test_past_the_burst_a_socket_is_told_to_wait_and_then_goes_on(start: Start) -> None:
    async with (
        start(socket_messages_per_s=1, socket_messages_burst=30) as node,
        enrol(node, "Eve") as eve,
        wired(node.port, eve.token) as wire,
    ):
        began_at = node.engine.loop.time()
        codes = await ask(wire, 60)
        most = 30 + 1 + int(node.engine.loop.time() - began_at)
        assert codes[:30] == [0] * 30
        assert 111 in codes
        assert codes.count(0) <= most
        async with asyncio.timeout(PATIENCE_S):
            while await ask(wire, 1) != [0]:
                await asyncio.sleep(0.05)


async def test_publish_and_rpc_share_it_and_what_only_listens_is_not_counted(start: Start) -> None:
    async with (
        start(socket_messages_per_s=1, socket_messages_burst=4) as node,
        enrol(node, "Eve") as eve,
        wired(node.port, eve.token) as wire,
    ):
        room_id = await eve.make_room()
        await wire.hears(lambda: wire.pushes)
        await wire.post(room_id, "one")
        await wire.post(room_id, "two")
        codes = await ask(wire, 20)
        assert codes[:2] == [0, 0]
        assert 111 in codes
        for _ in range(20):
            await wire.do("history", channel=f"room:{room_id}", limit=1)
            await wire.do("presence", channel=f"room:{room_id}")


async def test_nobody_else_waits_for_it(start: Start) -> None:
    async with (
        start(socket_messages_per_s=1, socket_messages_burst=5) as node,
        enrol(node, "Eve") as eve,
        enrol(node, "Bob") as bob,
        wired(node.port, eve.token) as wire,
        wired(node.port, eve.token) as another,
        wired(node.port, bob.token) as bobs,
    ):
        assert 111 in await ask(wire, 20)
        assert await ask(another, 5) == await ask(bobs, 5) == [0] * 5


async def test_who_says_too_much_to_the_echo_is_sent_away_for_a_while(start: Start) -> None:
    async with (
        start(socket_messages_per_s=1, socket_messages_burst=5) as node,
        enrol(node, "Eve") as eve,
        echo(node, eve.token) as socket,
    ):
        for _ in range(5):
            await socket.send("hello")
            assert await socket.recv() == "I've received: hello"
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(50):
                await socket.send("hello")
            assert (await end_of(socket))[0] == 3013


# -- bytes


async def test_who_sends_faster_than_is_read_is_slowed_down_and_loses_nothing() -> None:
    rate, burst, message = 200_000, 50_000, b"x" * 10_000
    async with serving(limits=replace(LIMITS, received_bytes=Pace(rate, burst))) as node:
        client, witness = await Raw.connect(node.port), await Raw.connect(node.port)
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        for _ in range(20):
            client.send(TEXT, message)
        for number in range(1, 21):
            assert await client.read() == Frame(TEXT, message)
            most = burst + rate * (loop.time() - began_at) + 16_384  # of which it knows when it has them
            assert number * len(message) <= most
            witness.send(TEXT, b"still there?")
            assert await witness.read() == Frame(TEXT, b"still there?")
        assert node.connections.slowed >= 5
        slowed = node.connections.slowed
        for _ in range(100):  # the witness is far below it
            witness.send(TEXT, b"still there?")
            assert await witness.read() == Frame(TEXT, b"still there?")
        assert node.connections.slowed == slowed
        for raw in (client, witness):
            await raw.leave()


async def test_tiny_frames_count_with_their_headers() -> None:
    async with serving(limits=replace(LIMITS, received_bytes=Pace(100_000, 5_000))) as node:
        client = await Raw.connect(node.port)
        for _ in range(2_000):
            client.send(TEXT, b"x")
        for _ in range(2_000):
            assert await client.read() == Frame(TEXT, b"x")
        assert node.connections.slowed > 0, "2,000 bytes are in 14,000"
        await client.leave()


async def test_who_leaves_while_being_slowed_down_leaves_nothing() -> None:
    async with serving(limits=replace(LIMITS, received_bytes=Pace(60_000, 4_096))) as node:
        client = await Raw.connect(node.port)
        client.send(TEXT, b"x" * 60_000)
        async with asyncio.timeout(PATIENCE_S):
            while not node.connections.slowed:
                await asyncio.sleep(0.005)
        client.abort()
        await node.empty()


async def test_the_heart_of_a_member_who_is_slowed_down_beats_on(start: Start) -> None:
    async with (
        start(socket_bytes_per_s=100_000, socket_bytes_burst=10_000, socket_ping_s=0.4, socket_pong_s=0.3) as node,
        enrol(node, "Ada") as ada,
        wired(node.port, ada.token) as wire,
    ):
        room_id = await ada.make_room()
        for _ in range(10):
            await wire.post(room_id, "x" * 9_000)
        assert node.connections.slowed > 0
        pings = wire.pings
        await wire.hears(lambda: wire.pings > pings + 1)
        await wire.post(room_id, "still there")
