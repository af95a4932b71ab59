"""Without Redis the chat goes on: nodes find each other's messages in the log, and nobody is signed out."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.realtime import recheck
from tests.conftest import Start
from tests.fault.stores import Valkey, a_valkey
from tests.people import Member, enrol
from tests.realtime.wire import Wire, until, wired

POLL_S = 5.0


class Pair:
    """Two nodes on that Valkey, one member on each, in one room."""

    def __init__(self, valkey: Valkey, nodes: tuple[Node, Node], people: tuple[Member, Member], room_id: int) -> None:
        self.valkey = valkey
        self.nodes = nodes
        self.ada, self.bob = people
        self.room_id = room_id
        self.wires: tuple[Wire, Wire]

    async def talk(self, within_s: float) -> None:
        """Each hears what the other says on the other node, in this time."""
        hers, his = self.wires
        for speaker, hearer in ((hers, his), (his, hers)):
            started = time.monotonic()
            await speaker.post(self.room_id, "hello")
            assert time.monotonic() - started < 2.0, "sending does not wait for Redis"
            await hearer.hears(
                lambda: hearer.offsets(self.room_id)[-1:] >= speaker.offsets(self.room_id)[-1:] != [],  # noqa: B023
                within_s,
            )
            assert time.monotonic() - started < within_s

    async def lose_the_bus(self) -> None:
        await until(lambda: not any(node.core.bus.is_up for node in self.nodes))

    async def find_the_bus(self) -> None:
        await until(lambda: all(node.core.bus.is_up for node in self.nodes))

    def check_sequences(self) -> None:
        for wire in self.wires:
            offsets = wire.offsets(self.room_id)
            assert offsets == list(range(3, 3 + len(offsets)))


@pytest.fixture
async def pair(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(recheck, "SESSIONS_S", 1.0)  # that it is soon enough, test_revocation.py proves
    async with AsyncExitStack() as stack:
        valkey = await stack.enter_async_context(a_valkey(tmp_path))
        redis_url = SecretStr(valkey.url)
        one = await stack.enter_async_context(start(redis_url=redis_url))
        two = await stack.enter_async_context(start(redis_url=redis_url))
        ada = await stack.enter_async_context(enrol(one, "Ada"))
        bob = await stack.enter_async_context(enrol(two, "Bob"))
        room_id = await ada.make_room()
        await bob.join(room_id)
        made = Pair(valkey, (one, two), (ada, bob), room_id)
        made.wires = (
            await stack.enter_async_context(wired(one.port, ada.token)),
            await stack.enter_async_context(wired(two.port, bob.token)),
        )
        yield made


async def test_killed_it_costs_nobody_a_message_or_a_session(pair: Pair) -> None:
    await pair.talk(within_s=1.0)
    await pair.valkey.kill()
    await pair.lose_the_bus()
    await pair.talk(within_s=POLL_S)
    # A new socket, a new sign-in: all without Redis.
    async with wired(pair.nodes[0].port, pair.bob.token) as again:
        await again.post(pair.room_id, "back again")
        assert (await again.ask("presence", channel=f"room:{pair.room_id}"))["error"]["temporary"] is True
    async with enrol(pair.nodes[1], "Late") as late:
        await late.join(pair.room_id)
    await pair.valkey.start()
    await pair.find_the_bus()
    await pair.talk(within_s=1.0)
    pair.check_sequences()
    stats = await pair.wires[0].ask("presence_stats", channel=f"room:{pair.room_id}")
    assert "presence_stats" in stats


async def test_frozen_it_is_noticed_and_polled_around(pair: Pair) -> None:
    await pair.talk(within_s=1.0)
    with pair.valkey.frozen():
        await pair.talk(within_s=POLL_S)
        await pair.lose_the_bus()
        await pair.talk(within_s=POLL_S)
    await pair.find_the_bus()
    await pair.talk(within_s=1.0)
    pair.check_sequences()


async def test_when_only_the_listening_is_cut_it_listens_again_and_has_what_it_missed(pair: Pair) -> None:
    redis = pair.nodes[0].core.bus.redis
    for _ in range(3):
        assert await redis.client_kill_filter(_type="pubsub") == 2
        await pair.talk(within_s=POLL_S)
        await pair.find_the_bus()
    pair.check_sequences()


async def test_emptied_it_costs_nobody_a_session(pair: Pair) -> None:
    redis = pair.nodes[0].core.bus.redis
    await redis.flushall()
    await pair.talk(within_s=1.0)
    for member in (pair.ada, pair.bob):
        assert (await member.http.get("/api/v1.0/session")).status_code == 200
    await redis.flushall()
    async with wired(pair.nodes[1].port, pair.ada.token) as wire:
        await wire.post(pair.room_id, "here")
    pair.check_sequences()


async def test_a_node_starts_without_it(start: Start, tmp_path: Path) -> None:
    valkey = Valkey(tmp_path / "v.sock")
    async with start(redis_url=SecretStr(valkey.url)) as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        async with wired(node.port, ada.token) as wire:
            await wire.post(room_id, "alone")
            await wire.expect_event(room_id, 2)
            await valkey.start()
            await until(lambda: node.core.bus.is_up)
            await wire.post(room_id, "and now")
            await wire.expect_event(room_id, 3)
    await valkey.kill()


async def test_a_revoked_session_ends_everywhere_even_without_it(pair: Pair) -> None:
    async with wired(pair.nodes[1].port, pair.ada.token) as elsewhere:
        await pair.valkey.kill()
        await pair.lose_the_bus()
        assert (await pair.ada.http.delete("/api/v1.0/session")).status_code == 204
        assert await pair.wires[0].expect_close(3.0) == 3503
        assert await elsewhere.expect_close(10.0) == 3503
        async with wired(pair.nodes[1].port) as again:
            await again.say({"id": 1, "connect": {"token": pair.ada.token}})
            assert await again.expect_close() in (3500, 3503)
    await pair.valkey.start()
