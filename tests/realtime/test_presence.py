"""Who is in a channel: what each node says in Redis, and runs out when the node is gone."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from uuid import uuid4

import pytest

from folkmoot.app import Node
from folkmoot.bus import Bus
from folkmoot.errors import Unavailable
from folkmoot.realtime import presence as presence_module
from folkmoot.realtime.presence import Presence
from folkmoot.realtime.watching import LARGEST
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.people import Member
from tests.realtime.listeners import Listener
from tests.realtime.wire import Wire, until, wired


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "GATHER_S", 0.02)


@asynccontextmanager
async def present(settings: Settings) -> AsyncIterator[Presence]:
    """The presence of a node of its own, which lives."""
    bus = Bus(settings.redis_dsn)
    made = Presence(uuid4().hex[:12], bus)
    await bus.start()
    made.start()
    await until(lambda: made._is_alive)
    try:
        yield made
    finally:
        await made.close()
        await bus.close()


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[Presence]:
    async with present(settings) as made:
        yield made


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Presence]:
    async with present(settings) as made:
        yield made


@pytest.fixture
def channel() -> str:
    return f"room:{uuid4().hex}"


@pytest.fixture
async def driven(settings: Settings) -> AsyncIterator[Presence]:
    """One that tells what has changed when the test says so: `_write`, and that it lives: `_renew`."""
    bus = Bus(settings.redis_dsn)
    made = Presence(uuid4().hex[:12], bus)
    await bus.start()
    await made._renew()
    yield made
    await made.close()
    await bus.close()


async def tell(driven: Presence) -> None:
    """Tells everything, and waits until who watches here has heard it: the bus keeps the order."""
    last, channel = Listener(), uuid4().hex
    driven.watch(channel, "last", last)
    driven.enter(channel, "last", 1)
    await driven._write()
    await until(lambda: last.frames)
    driven.exit(channel, "last")
    await driven._write()


async def until_same(presence: Presence, channel: str, wanted: dict[str, str]) -> None:
    async with asyncio.timeout(5):
        while await presence.of(channel) != wanted:
            await asyncio.sleep(0.01)


async def test_who_enters_is_there_at_once_and_who_exits_is_not(one: Presence, channel: str) -> None:
    one.enter(channel, "first", 7)
    one.enter(channel, "second", 7)
    assert await one.of(channel) == {"first": "7", "second": "7"}
    one.exit(channel, "first")
    one.exit(channel, "nobody")
    assert await one.of(channel) == {"second": "7"}


async def test_two_nodes_see_the_same_people(one: Presence, other: Presence, channel: str) -> None:
    one.enter(channel, "first", 7)
    other.enter(channel, "second", 8)
    for presence in (one, other):
        await until_same(presence, channel, {"first": "7", "second": "8"})
    other.exit(channel, "second")
    await until_same(one, channel, {"first": "7"})


async def test_a_node_that_ends_takes_its_people_with_it(settings: Settings, one: Presence, channel: str) -> None:
    async with present(settings) as ending:
        ending.enter(channel, "second", 8)
        await until_same(one, channel, {"second": "8"})
    assert await one.of(channel) == {}
    assert [key async for key in one._bus.redis.scan_iter(f"*{channel}*")] == []


async def test_thousands_come_and_go(one: Presence, other: Presence, channel: str) -> None:
    for number in range(3_300):
        one.enter(channel, f"c{number}", number)
    await until_same(other, channel, {f"c{number}": str(number) for number in range(3_300)})
    for number in range(3_299):
        one.exit(channel, f"c{number}")
    await until_same(other, channel, {"c3299": "3299"})


async def test_the_last_word_about_a_client_stands(one: Presence, other: Presence, channel: str) -> None:
    """In and out, at every moment of the writing."""
    for turn in range(100):
        one.enter(channel, "first", 7)
        await asyncio.sleep(0.001 * (turn % 5))
        one.exit(channel, "first")
        await asyncio.sleep(0.003 * (turn % 7))
    one.enter(channel, "first", 7)
    await until_same(other, channel, {"first": "7"})
    one.exit(channel, "first")
    await until_same(other, channel, {})
    await until(lambda: one._rolls == {})


async def test_a_node_that_died_is_gone_when_its_lease_has_run_out(
    settings: Settings, one: Presence, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with present(settings) as dying:
        dying.enter(channel, "second", 8)
        await until_same(one, channel, {"second": "8"})
        redis = one._bus.redis
        ttl_s = await redis.ttl(f"folkmoot:node:{dying._node}")
        assert 0 < ttl_s <= presence_module.LEASE_S
        assert 0 < await redis.ttl(f"folkmoot:presence:{dying._node}:{channel}") <= 3600
        assert 0 < await redis.ttl(f"folkmoot:presence-nodes:{channel}") <= 3600
        await redis.delete(f"folkmoot:node:{dying._node}")  # as time does
        assert await one.of(channel) == {}
        assert await redis.smembers(f"folkmoot:presence-nodes:{channel}"), "what it said may still be true"
        await redis.delete(f"folkmoot:presence:{dying._node}:{channel}")
        assert await one.of(channel) == {}
        assert await redis.smembers(f"folkmoot:presence-nodes:{channel}") == set()


@pytest.mark.parametrize("what", ["everything", "a channel", "the nodes of a channel"])
async def test_what_redis_has_lost_it_is_told_again(
    settings: Settings, one: Presence, channel: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(presence_module, "RENEW_S", 0.05)
    monkeypatch.setattr(presence_module, "FRESHEN_S", 0.0)
    async with present(settings) as renewed:
        renewed.enter(channel, "first", 7)
        await until_same(one, channel, {"first": "7"})
        keys = {
            "everything": [key async for key in one._bus.redis.scan_iter(f"*{renewed._node}*")],
            "a channel": [f"folkmoot:presence:{renewed._node}:{channel}"],
            "the nodes of a channel": [f"folkmoot:presence-nodes:{channel}"],
        }[what]
        await one._bus.redis.delete(*keys)
        await until_same(one, channel, {"first": "7"})


async def test_what_redis_did_not_hear_it_is_told_when_it_answers(
    settings: Settings, one: Presence, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "RENEW_S", 0.05)
    async with present(settings) as silenced:
        silenced.enter(channel, "first", 7)
        silenced.enter(channel, "second", 8)
        await until_same(one, channel, {"first": "7", "second": "8"})
        with monkeypatch.context() as away:
            away.setattr(silenced._bus, "ask", _no_answer)
            silenced.exit(channel, "second")
            silenced.enter(channel, "third", 9)
            await until(lambda: silenced._lost)
        await until_same(one, channel, {"first": "7", "third": "9"})


async def _no_answer(question: object) -> None:
    question.close()  # type: ignore[attr-defined]


async def test_junk_in_redis_hides_nobody(one: Presence, other: Presence, channel: str) -> None:
    redis = one._bus.redis
    other.enter(channel, "second", 8)
    await until_same(one, channel, {"second": "8"})
    await redis.sadd(f"folkmoot:presence-nodes:{channel}", b"\xff{", "junk")
    await redis.set("folkmoot:node:junk", 1)
    await redis.set(f"folkmoot:presence:junk:{channel}", "not a hash")
    await redis.hset(f"folkmoot:presence:{other._node}:{channel}", "third", b"\xff{")
    assert await one.of(channel) == {"second": "8"}


async def test_without_redis_presence_is_unknown_and_not_empty(channel: str) -> None:
    bus = Bus("redis://127.0.0.1:1")
    presence = Presence("a", bus)
    presence.start()
    presence.enter(channel, "first", 7)
    with pytest.raises(Unavailable):
        await presence.of(channel)
    await asyncio.sleep(0.1)
    await presence.close()
    await bus.close()


# -- who is told


def told(watcher: Listener) -> list[tuple[str, str, str]]:
    found = []
    for line in watcher.lines:
        ((kind, push),) = ((kind, push) for kind, push in line["push"].items() if kind != "channel")
        found.append((kind, push["info"]["client"], push["info"]["user"]))
    return found


async def watching(presence: Presence, channel: str, client: str = "watcher") -> Listener:
    watcher = Listener()
    presence.watch(channel, client, watcher)
    async with asyncio.timeout(5):
        while not await presence._bus.redis.exists(f"folkmoot:watched:{channel}"):
            await asyncio.sleep(0.01)
    return watcher


async def test_who_asked_is_told_who_comes_and_goes_on_every_node(one: Presence, other: Presence, channel: str) -> None:
    watcher = await watching(one, channel)
    one.enter(channel, "first", 7)
    await until(lambda: told(watcher) == [("join", "first", "7")])
    other.enter(channel, "second", 8)
    await until(lambda: told(watcher)[1:] == [("join", "second", "8")])
    other.exit(channel, "second")
    await until(lambda: told(watcher)[2:] == [("leave", "second", "8")])
    one.exit(channel, "watcher")
    one.exit(channel, "first")
    other.enter(channel, "second", 8)
    await until_same(one, channel, {"second": "8"})
    await asyncio.sleep(0.1)
    assert len(told(watcher)) == 3, "who has left is told nothing"


async def test_what_happens_together_is_told_together_and_a_short_visit_not_at_all(
    one: Presence, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = await watching(one, channel)
    monkeypatch.setattr(presence_module, "GATHER_S", 0.2)
    for number in range(50):
        one.enter(channel, f"c{number}", number)
    one.exit(channel, "c0")
    await until(lambda: watcher.frames)
    assert len(watcher.frames) == 1
    assert told(watcher) == [("join", f"c{number}", str(number)) for number in range(1, 50)]


# -- what it costs


class Counting:
    """Counts what a node says to Redis for its presence."""

    def __init__(self, presence: Presence, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trips = 0
        self.commands: Counter[str] = Counter()
        self.values = 0
        make = presence._bus.redis.pipeline

        def pipeline(**options: object) -> object:
            made = make(**options)
            execute = made.execute

            async def counted(**how: object) -> object:
                self.trips += 1
                for arguments, _ in made.command_stack:
                    self.commands[arguments[0]] += 1
                    self.values += len(arguments)
                return await execute(**how)

            made.execute = counted  # type: ignore[method-assign]
            return made

        monkeypatch.setattr(presence._bus.redis, "pipeline", pipeline)


@pytest.mark.parametrize("already", [LARGEST, 4_000])
@pytest.mark.parametrize("joining", [500, 5_000])
async def test_joins_cost_what_they_are_however_many_are_there(
    driven: Presence, channel: str, monkeypatch: pytest.MonkeyPatch, joining: int, already: int
) -> None:
    watchers = [Listener() for _ in range(50)]
    for number, watcher in enumerate(watchers):
        driven.watch(channel, f"w{number}", watcher)
    for number in range(already):
        driven.enter(channel, f"there{number}", number)
    await tell(driven)
    before = [len(watcher.frames) for watcher in watchers]
    counting = Counting(driven, monkeypatch)
    for number in range(joining):
        driven.enter(channel, f"c{number}", number)
    await driven._write()
    assert counting.trips == 1
    assert counting.commands["HSET"] == joining / 500
    assert 2 * joining <= counting.values < 2.1 * joining, "each joiner and its user, and next to nothing besides"
    await tell(driven)
    assert [len(watcher.frames) for watcher in watchers] == before, "nobody is told of a crowd"


@pytest.mark.parametrize("rooms", [100, 400])
async def test_living_costs_one_command_however_many_are_there(
    driven: Presence, monkeypatch: pytest.MonkeyPatch, rooms: int
) -> None:
    prefix = uuid4().hex
    for room in range(rooms):
        for number in range(20):
            driven.enter(f"room:{prefix}{room}", f"c{number}", number)
    await driven._write()
    counting = Counting(driven, monkeypatch)
    for _ in range(3):
        await driven._renew()
        await driven._write()
    assert counting.commands == {"SET": 3}
    monkeypatch.setattr(presence_module, "FRESHEN_S", 0.0)
    await driven._renew()
    assert counting.commands == {"SET": 4, "EXPIRE": 2 * rooms}, "now and then two for each room, not for each member"
    assert counting.trips == 4 + ceil(rooms / 200)


async def test_lines_to_who_watches_do_not_grow_with_the_room(driven: Presence) -> None:
    """Everybody watches, and they come one after the other."""
    lines = {}
    for size in (300, 1_200):
        channel = f"room:{uuid4().hex}"
        everybody = [Listener() for _ in range(size)]
        for number, watcher in enumerate(everybody):
            driven.enter(channel, f"c{number}", number)
            driven.watch(channel, f"c{number}", watcher)
            if number % 25 == 24:
                await tell(driven)
        lines[size] = sum(len(watcher.lines) for watcher in everybody)
    assert 0 < lines[300] == lines[1_200] <= LARGEST * LARGEST


async def test_a_member_of_ten_rooms_takes_little_memory(settings: Settings) -> None:
    presence = Presence("a", Bus(settings.redis_dsn))
    rooms = [f"room:{number}" for number in range(100)]
    for member in range(2_000):
        client = uuid4().hex
        for turn in range(10):
            presence.enter(rooms[(member + turn) % 100], client, 1_000_000 + member)
    for roll in presence._rolls.values():
        roll.came = {}  # told
    size = sum(sys.getsizeof(roll) + sys.getsizeof(roll.clients) for roll in presence._rolls.values())
    assert size / 2_000 < 1_000


# -- with sockets


async def test_a_subscription_that_asks_for_it_is_told_and_one_that_does_not_is_not(
    start: Start, node: Node, ada: Member, bob: Member, stranger: Member
) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    for member in (bob, stranger):
        await member.join(room_id)
    async with wired(node.port, ada.token) as hers, wired(node.port, bob.token) as his, start() as elsewhere:
        await hers.subscribe(channel, join_leave=True)
        await _is_watched(node, channel)
        comes = await Wire.open(elsewhere.port)
        client = (await comes.connect(stranger.token))["client"]
        info = {"user": str(stranger.id), "client": client}
        async with asyncio.timeout(10):
            while (await hers.expect_push("join", channel))["join"]["info"] != info:
                pass
        await comes.leave()
        assert (await hers.expect_push("leave", channel))["leave"]["info"] == info
        assert not [push for push in his.pushes if "join" in push or "leave" in push]


async def test_who_is_taken_out_of_a_room_is_told_nothing_more(node: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    await bob.join(room_id)
    async with wired(node.port) as his:
        await his.connect(bob.token, subs={channel: {"join_leave": True}})
        await _is_watched(node, channel)
        await bob.leave(room_id)
        await his.expect_push("unsubscribe", channel)
        async with wired(node.port, ada.token) as hers:
            stats = await hers.do("presence_stats", channel=channel)
            assert stats == {"num_clients": 1, "num_users": 1}
            await asyncio.sleep(0.2)
        assert not [push for push in his.pushes if push.get("join", {}).get("info", {}).get("user") == str(ada.id)]


async def _is_watched(node: Node, channel: str) -> None:
    async with asyncio.timeout(5):
        while not await node.core.bus.redis.exists(f"folkmoot:watched:{channel}"):
            await asyncio.sleep(0.01)
