"""From the bus to the listeners: in order and without a gap, whatever the bus does."""

import asyncio
import random
from collections.abc import AsyncIterator
from itertools import count

import msgspec
import pytest

from folkmoot.app import Node
from folkmoot.bus import SHARDS, Bus
from folkmoot.realtime import broker as broker_module
from folkmoot.realtime.broker import Broker, Header
from folkmoot.realtime.channels import Namespaces, Position
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.protocol import publication_push
from folkmoot.settings import Settings
from tests.people import Member
from tests.realtime.listeners import Listener, Log, entry
from tests.realtime.wire import PATIENCE_S, until, wired

CHANNEL = "log:1"


class Following:
    """A broker of one node whose bus is the test, and a listener of one channel."""

    def __init__(self, bus: Bus) -> None:
        self.log = Log()
        self.hub = Hub()
        namespaces = Namespaces(name_chars=255)
        namespaces.add_logged(self.log)
        self.broker = Broker("here", bus, self.hub, namespaces)
        self.listener = Listener()

    async def listen(self, listener: Listener | None = None) -> None:
        listener = listener or self.listener
        self.hub.enter(CHANNEL, listener)
        position = Position(self.log.epoch, self.log.head)
        await self.broker.align(CHANNEL, position)
        self.hub.settle(CHANNEL, listener, position.offset)

    def hear(self, first: int, last: int) -> None:
        """A batch of another node arrives. What is heard was committed before."""
        self.log.head = max(self.log.head, last)
        lines = [publication_push(CHANNEL, entry(offset)) for offset in range(first, last + 1)]
        self.broker._heard(b"\n".join([msgspec.json.encode(Header("there", CHANNEL, first)), *lines]))

    async def reaches(self, offset: int, within_s: float = PATIENCE_S) -> None:
        await until(lambda: self.listener.offsets[-1:] == [offset], within_s)


@pytest.fixture
async def following(settings: Settings) -> AsyncIterator[Following]:
    bus = Bus(settings.redis_dsn)
    made = Following(bus)
    await made.listen()
    yield made
    await made.broker.close()
    await bus.close()


async def test_batches_in_order_are_delivered_without_asking_the_log(following: Following) -> None:
    following.hear(1, 3)
    following.hear(4, 4)
    await following.reaches(4)
    assert following.listener.offsets == [1, 2, 3, 4]
    assert following.log.reads == 0


async def test_a_batch_that_overtook_another_waits_for_it(following: Following) -> None:
    following.hear(3, 4)
    following.hear(5, 5)
    following.hear(1, 2)
    await following.reaches(5)
    assert following.listener.offsets == [1, 2, 3, 4, 5]
    await asyncio.sleep(2 * broker_module.GRACE_S)
    assert following.log.reads == 0


async def test_what_was_delivered_is_not_delivered_again(following: Following) -> None:
    following.hear(1, 4)
    following.hear(1, 4)
    following.hear(2, 3)
    following.hear(3, 6)
    following.hear(1, 1)
    await following.reaches(6)
    assert following.listener.offsets == [1, 2, 3, 4, 5, 6]


async def test_a_lost_batch_is_read_from_the_log_as_soon_as_the_next_one_comes(following: Following) -> None:
    following.hear(1, 1)
    following.hear(5, 6)
    await following.reaches(6, within_s=3.0)
    assert following.listener.offsets == [1, 2, 3, 4, 5, 6]


async def test_batches_that_are_lost_while_a_gap_is_closed_are_read_too(following: Following) -> None:
    """A second gap opens behind the back of the one that is being closed."""
    after = following.log.after

    async def meanwhile(channel: str, offset: int, limit: int) -> object:
        found = await after(channel, offset, limit)
        if following.log.head < 20:
            following.hear(following.log.head + 3, following.log.head + 3)
        return found

    following.log.after = meanwhile  # type: ignore[method-assign, assignment]
    following.hear(5, 5)
    await following.reaches(20, within_s=3.0)
    assert following.listener.offsets == list(range(1, 21))


async def test_a_gap_longer_than_a_page_is_read_in_pages(following: Following) -> None:
    following.hear(1_234, 1_234)
    await following.reaches(1_234)
    assert following.listener.offsets == list(range(1, 1_235))


async def test_a_lost_last_batch_is_found_by_the_sweep(following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker_module.SWEEP_S <= 5
    monkeypatch.setattr(broker_module, "SWEEP_S", 0.05)
    monkeypatch.setattr(broker_module, "SWEEP_WITHOUT_BUS_S", 0.05)
    following.broker.start()
    following.log.head = 7
    await following.reaches(7)
    assert following.listener.offsets == [1, 2, 3, 4, 5, 6, 7]


async def test_the_sweep_outlives_a_log_that_is_away(following: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "SWEEP_WITHOUT_BUS_S", 0.02)
    following.broker.start()
    following.log.is_away = True
    following.hear(3, 3)
    await until(lambda: following.log.reads > 5)
    assert following.listener.frames == []
    following.log.is_away = False
    await following.reaches(3)
    assert following.listener.offsets == [1, 2, 3]


async def test_a_batch_that_claims_what_is_not_in_the_log_is_given_up(following: Following) -> None:
    line = publication_push(CHANNEL, entry(1_000))
    following.broker._heard(b"\n".join([msgspec.json.encode(Header("there", CHANNEL, 1_000)), line]))
    await until(lambda: following.log.reads == 1)
    await asyncio.sleep(5 * broker_module.GRACE_S)
    assert following.log.reads == 1, "it is not asked for again and again"
    following.hear(1, 2)
    await following.reaches(2)


async def test_another_epoch_sends_all_listeners_to_ask_anew(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    following.hear(1, 5)
    monkeypatch.setattr(broker_module, "SWEEP_WITHOUT_BUS_S", 0.02)
    following.log.epoch, following.log.head = "restored", 2
    following.broker.start()
    await until(lambda: following.listener.closes)
    assert following.listener.closes[0] == 3010


async def test_a_head_below_what_was_delivered_sends_all_listeners_to_ask_anew(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    following.hear(1, 5)
    monkeypatch.setattr(broker_module, "SWEEP_WITHOUT_BUS_S", 0.02)
    following.log.head = 2  # a backup was restored, and nobody gave it another epoch
    following.broker.start()
    await until(lambda: following.listener.closes)
    assert following.listener.closes[0] == 3010


async def test_a_log_that_is_read_for_those_who_left_is_not_told_to_those_who_came(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()
    read = following.log.after

    async def slowly(channel: str, offset: int, limit: int) -> object:
        found = await read(channel, offset, limit)
        reading.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(following.log, "after", slowly)
    following.hear(1, 2)
    following.log.head = 6
    behind = asyncio.create_task(following.broker.align(CHANNEL, Position(following.log.epoch, 6)))
    await reading.wait()
    following.hub.exit(CHANNEL, following.listener)
    newcomer = Listener()
    await following.listen(newcomer)
    go_on.set()
    await behind
    following.hear(7, 7)
    await until(lambda: newcomer.offsets)
    assert newcomer.offsets == [7]


async def test_whoever_enters_after_a_restore_finds_it_out_for_everybody(following: Following) -> None:
    following.hear(1, 5)
    following.log.epoch, following.log.head = "restored", 2
    newcomer = Listener()
    await following.listen(newcomer)
    assert following.listener.closes == [3010]


async def test_nothing_is_kept_of_channels_that_nobody_listens_to(following: Following) -> None:
    following.hear(5, 5)  # a gap, being closed
    following.hub.exit(CHANNEL, following.listener)
    assert following.broker._streams == {}
    following.hear(6, 6)
    await following.broker.align(CHANNEL, Position("e", 6))
    assert following.broker._streams == {}


@pytest.mark.parametrize("seed", range(30))
async def test_any_disorder_of_batches_is_one_gapless_sequence_for_every_listener(
    following: Following, seed: int
) -> None:
    """Overtaken, repeated, overlapping and lost batches, and listeners that come in the middle."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    batches, offset = [], 1
    while offset <= 200:
        last = min(200, offset + chance.randrange(5))
        batches.append((offset, last))
        offset = last + 1 - chance.randrange(2) * (last > offset)
    at = count()
    order = {batch: next(at) + chance.randrange(6) for batch in batches}
    heard = [batch for batch in sorted(batches, key=lambda batch: order[batch]) if chance.random() > 0.15]
    heard += [(200, 200)]
    late: list[tuple[Listener, int]] = []
    for first, last in heard:
        following.log.head = max(following.log.head, *(end for _, end in heard[: heard.index((first, last)) + 1]))
        for _ in range(1 + (chance.random() < 0.2)):
            following.hear(first, last)
        if chance.random() < 0.1:
            listener = Listener()
            late.append((listener, following.log.head))
            await following.listen(listener)
        if chance.random() < 0.2:
            await asyncio.sleep(chance.random() * 0.01)
    await following.reaches(200)
    assert following.listener.offsets == list(range(1, 201))
    for listener, start in late:
        assert listener.offsets == list(range(start + 1, 201))


async def test_junk_on_the_bus_does_not_deafen_a_node(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        channel = f"room:{room_id}".encode()
        for junk in (
            b"",
            b"\n",
            b"junk",
            b"\xff\xfe\x00",
            b"{}",
            b'{"node":"x"}',
            b'{"node":"x","channel":"%b","first":"1"}\nx' % channel,
            b'{"node":"x","channel":"%b","first":-5}\nx' % channel,
            b'{"node":"x","channel":"%b","first":999999}\nx' % channel,
            b'{"node":"x","channel":"%b","first":1}' % channel,
            b'{"node":"x","channel":"nothing:1","first":0}\nx',
            b"[" * 10_000,
        ):
            for shard in range(SHARDS):
                await node.core.bus.redis.publish(f"folkmoot:shard:{shard}", junk)
        for topic in ("sockets", "", "nothing"):
            await node.core.bus.redis.publish(f"folkmoot:{topic}", b"junk")
        for number in range(3):
            await wire.post(room_id, str(number))
        await wire.expect_event(room_id, 4)
        assert wire.offsets(room_id) == [2, 3, 4]
        assert node.core.bus.is_up
