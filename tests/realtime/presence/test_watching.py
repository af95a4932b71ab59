"""Who is told of those that come and go."""

import asyncio

import pytest

from folkmoot.app import Node
from folkmoot.realtime import presence as presence_module
from folkmoot.realtime.presence import Presence
from tests.conftest import Start
from tests.people import Member
from tests.realtime.presence.nodes import told, until_same, watching
from tests.realtime.wire import Wire, until, wired


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
