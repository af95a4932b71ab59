"""Who is in a channel: leases in Redis that run out by themselves."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest

from folkmoot.bus import Bus
from folkmoot.errors import Unavailable
from folkmoot.realtime import presence as presence_module
from folkmoot.realtime.presence import Lease, Presence
from folkmoot.settings import Settings
from tests.realtime.wire import until


@pytest.fixture
async def bus(settings: Settings) -> AsyncIterator[Bus]:
    made = Bus(settings.redis_dsn)
    yield made
    await made.close()


@pytest.fixture
async def presence(bus: Bus) -> AsyncIterator[Presence]:
    made = Presence(bus)
    made.start()
    yield made
    await made.close()


@pytest.fixture
def channel() -> str:
    return f"room:{uuid4().hex}"


async def test_who_enters_is_there_and_who_exits_is_not(presence: Presence, channel: str) -> None:
    presence.enter(channel, "one", "7")
    presence.enter(channel, "two", "7")
    assert await presence.of(channel) == {"one": "7", "two": "7"}
    presence.exit(channel, "one")
    presence.exit(channel, "nobody")
    assert await presence.of(channel) == {"two": "7"}


async def test_two_nodes_see_the_same_people(bus: Bus, presence: Presence, channel: str) -> None:
    other = Presence(bus)
    presence.enter(channel, "one", "7")
    other.enter(channel, "two", "8")
    await other.of(channel)
    await until_same(presence, channel, {"one": "7", "two": "8"})
    await other.close()
    assert await presence.of(channel) == {"one": "7"}


async def until_same(presence: Presence, channel: str, wanted: dict[str, str]) -> None:
    async with asyncio.timeout(5):
        while await presence.of(channel) != wanted:
            await asyncio.sleep(0.01)


async def test_thousands_come_and_go(presence: Presence, channel: str) -> None:
    for number in range(1_300):
        presence.enter(channel, f"c{number}", str(number))
    assert len(await presence.of(channel)) == 1_300
    for number in range(1_299):
        presence.exit(channel, f"c{number}")
    assert await presence.of(channel) == {"c1299": "1299"}


async def test_the_last_word_about_a_client_stands(bus: Bus, presence: Presence, channel: str) -> None:
    """In and out so fast that both words are on their way at once."""
    for turn in range(60):
        presence.enter(channel, "one", "7")
        asked = asyncio.create_task(presence.of(channel))
        await asyncio.sleep(0)
        presence.exit(channel, "one")
        found = await asyncio.gather(asked, presence.of(channel))
        assert found[1] == {}, turn
    assert await bus.redis.hlen(f"folkmoot:presence:{channel}") == 0


async def test_a_node_that_died_is_gone_when_its_leases_have_run_out(
    bus: Bus, presence: Presence, channel: str
) -> None:
    presence.enter(channel, "alive", "7")
    dead = msgspec.json.encode(Lease("8", time.time() - 0.01))
    await bus.redis.hset(f"folkmoot:presence:{channel}", "dead", dead)
    assert await presence.of(channel) == {"alive": "7"}
    assert await bus.redis.hlen(f"folkmoot:presence:{channel}") == 1
    assert 0 < await bus.redis.ttl(f"folkmoot:presence:{channel}") <= presence_module.LEASE_S


async def test_leases_are_renewed_and_come_back_into_an_emptied_redis(
    bus: Bus, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_module, "RENEW_S", 0.05)
    renewed = Presence(bus)
    renewed.start()
    renewed.enter(channel, "one", "7")
    await renewed.of(channel)
    await bus.redis.delete(f"folkmoot:presence:{channel}")
    await until_same(renewed, channel, {"one": "7"})
    await renewed.close()
    assert await bus.redis.exists(f"folkmoot:presence:{channel}") == 0


async def test_junk_among_the_leases_hides_nobody(bus: Bus, presence: Presence, channel: str) -> None:
    await bus.redis.hset(f"folkmoot:presence:{channel}", mapping={"junk": b"\xff{", "list": b"[]"})
    presence.enter(channel, "one", "7")
    assert await presence.of(channel) == {"one": "7"}


async def test_without_redis_presence_is_unknown_and_not_empty(channel: str) -> None:
    bus = Bus("redis://127.0.0.1:1")
    presence = Presence(bus)
    presence.start()
    presence.enter(channel, "one", "7")
    with pytest.raises(Unavailable):
        await presence.of(channel)
    await until(lambda: presence._here)
    await presence.close()
    await bus.close()
