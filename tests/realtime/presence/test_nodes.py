"""Who is there, as several nodes and Redis know it."""

import asyncio

import pytest

from folkmoot.bus import Bus
from folkmoot.errors import Unavailable
from folkmoot.realtime import presence as presence_module
from folkmoot.realtime.presence import Presence
from folkmoot.settings import Settings
from tests.realtime.presence.nodes import present, until_same
from tests.realtime.wire import until


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
