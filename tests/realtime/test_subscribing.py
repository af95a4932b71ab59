"""Entering channels: nothing is missed and nothing comes twice."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from folkmoot.app import Node
from folkmoot.modules.messages.channels import RoomChannels
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import Position, Publication
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Line, Wire, until, wired


def since(result: Line, room_id: int, offset: int | None = None) -> dict[str, Any]:
    """What a client says that saw this much."""
    sub = result["subs"][f"room:{room_id}"]
    return {"recover": True, "offset": sub["offset"] if offset is None else offset, "epoch": sub["epoch"]}


async def test_a_client_that_comes_back_gets_exactly_what_it_missed(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port) as wire:
        seen = await wire.connect(ada.token)
    for number in range(5):
        await ada.say(room_id, str(number))
    async with wired(node.port) as wire:
        result = await wire.connect(ada.token, subs={f"room:{room_id}": since(seen, room_id)})
        sub = result["subs"][f"room:{room_id}"]
        assert sub["was_recovering"] is True
        assert sub["recovered"] is True
        assert [pub["offset"] for pub in sub["publications"]] == [2, 3, 4, 5, 6]
        assert [pub["data"]["body"] for pub in sub["publications"]] == ["0", "1", "2", "3", "4"]


async def test_who_missed_nothing_has_recovered(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port) as wire:
        seen = await wire.connect(ada.token)
    async with wired(node.port) as wire:
        result = await wire.connect(ada.token, subs={f"room:{room_id}": since(seen, room_id)})
        sub = result["subs"][f"room:{room_id}"]
        assert sub["recovered"] is True
        assert "publications" not in sub


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("another epoch", {"epoch": "another"}),
        ("no epoch", {"epoch": ""}),
        ("a position that is not there yet", {"offset": 1_000}),
        ("a position beyond all numbers", {"offset": 2**64}),
    ],
)
async def test_recovery_is_all_or_nothing(node: Node, ada: Member, what: str, change: Mapping[str, Any]) -> None:
    room_id = await ada.make_room()
    await ada.say(room_id, "hello")
    async with wired(node.port, ada.token) as wire:
        seen = {"subs": {f"room:{room_id}": (await wire.do("history", channel=f"room:{room_id}"))}}
        result = await wire.subscribe(f"room:{room_id}", **{**since(seen, room_id, 1), **change})
        assert result["was_recovering"] is True
        assert result["recovered"] is False
        assert "publications" not in result
        assert result["offset"] == 2


async def test_more_than_the_limit_is_not_recovered_at_all(start: Start) -> None:
    async with start(recover_events=3) as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        async with wired(node.port) as wire:
            seen = await wire.connect(ada.token)
        for missed, recovered in ((3, True), (4, False)):
            while (await ada.say(room_id, "x"))["seq"] != missed + 1:
                pass
            async with wired(node.port) as wire:
                result = await wire.connect(ada.token, subs={f"room:{room_id}": since(seen, room_id)})
                sub = result["subs"][f"room:{room_id}"]
                assert sub["recovered"] is recovered
                assert len(sub.get("publications", [])) == (missed if recovered else 0)


async def test_more_bytes_than_a_slow_client_can_take_are_not_recovered_at_all(start: Start) -> None:
    async with start(socket_queue_bytes=20_000) as node, enrol(node, "Ada") as ada:
        rooms = [await ada.make_room() for _ in range(2)]
        async with wired(node.port) as wire:
            seen = await wire.connect(ada.token)
        for room_id in rooms:
            await ada.say(room_id, "x" * 6_000)
        async with wired(node.port) as wire:
            subs = {f"room:{room_id}": since(seen, room_id) for room_id in rooms}
            result = await wire.connect(ada.token, subs=subs)
        recovered = [result["subs"][channel]["recovered"] for channel in subs]
        assert sorted(recovered) == [False, True], "one of the two fits into half the queue"


async def test_recovery_is_for_members_of_the_room_only(node: Node, ada: Member, stranger: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port) as wire:
        seen = await wire.connect(ada.token)
    async with wired(node.port) as wire:
        result = await wire.connect(stranger.token, subs={f"room:{room_id}": since(seen, room_id, 0)})
        assert f"room:{room_id}" not in result.get("subs", {})


async def test_nothing_falls_between_recovery_and_what_follows(node: Node, ada: Member) -> None:
    """Reconnects in the middle of a conversation: what is recovered and what is pushed is one sequence."""
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    talking = True

    async def talk(wire: Wire) -> None:
        while talking:
            await asyncio.gather(*(wire.post(room_id, "talk") for _ in range(3)))

    heard: list[int] = [1]
    epoch = ""
    async with wired(node.port, ada.token) as hers, asyncio.TaskGroup() as group:
        group.create_task(talk(hers))
        for turn in range(12):
            position = {"recover": bool(epoch), "offset": heard[-1], "epoch": epoch}
            async with wired(node.port) as wire:
                if turn % 2:
                    await wire.connect(ada.token)
                    result = await wire.subscribe(channel, **position)
                else:
                    result = (await wire.connect(ada.token, subs={channel: position}))["subs"][channel]
                if not epoch:
                    heard = [result["offset"]]
                else:
                    assert result["recovered"] is True
                epoch = result["epoch"]
                reply = max(at for at, line in enumerate(wire.lines) if "id" in line)
                await wire.hears(lambda: len(wire.lines) > reply + 3)  # noqa: B023
                await wire.vanish()
                heard += [pub["offset"] for pub in result.get("publications", [])]
                assert heard[-1] == result["offset"]
                heard += [
                    line["push"]["pub"]["offset"]
                    for line in wire.lines[reply:]
                    if line.get("push", {}).get("channel") == channel
                ]
        talking = False
    assert len(heard) >= 36, "three pushes a turn, at least"
    assert all(later == earlier + 1 for earlier, later in pairwise(heard)), heard


async def test_taking_over_a_subscription_of_the_server_loses_nothing(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    talking = True

    async def talk(wire: Wire) -> None:
        while talking:
            await asyncio.gather(*(wire.post(room_id, "talk") for _ in range(5)))

    async with wired(node.port, ada.token) as hers, asyncio.TaskGroup() as group:
        group.create_task(talk(hers))
        for _ in range(10):
            async with wired(node.port) as wire:
                sub = (await wire.connect(ada.token))["subs"][f"room:{room_id}"]
                await wire.expect_push(channel=f"room:{room_id}")
                taken = await wire.subscribe(f"room:{room_id}")
                at = next(at for at, line in enumerate(wire.lines) if "subscribe" in line)
                before = [line["push"]["pub"]["offset"] for line in wire.lines[:at] if "push" in line]
                assert [sub["offset"], *before][-1] == taken["offset"], "the reply stands where the pushes were"
                await wire.hears(lambda: len(wire.lines) > at + 3)  # noqa: B023
                offsets = wire.offsets(room_id)
                assert offsets == list(range(sub["offset"] + 1, sub["offset"] + 1 + len(offsets)))
        talking = False


# -- races, by holding the log


class Held:
    """A method of the rooms' channels that waits to be let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()
        original: Callable[..., Any] = getattr(RoomChannels, method)

        async def held(namespace: RoomChannels, *args: Any) -> Any:
            answer = await original(namespace, *args)
            self.reached.set()
            await self.go_on.wait()
            return answer

        monkeypatch.setattr(RoomChannels, method, held)


async def test_what_is_said_while_one_enters_follows_the_reply(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await ada.make_room()
    async with wired(node.port) as wire:
        seen = await wire.connect(ada.token)
    await ada.say(room_id, "missed")
    async with wired(node.port) as wire:
        held = Held(monkeypatch, "after")
        asked = wire.command("connect", token=ada.token, subs={f"room:{room_id}": since(seen, room_id)})
        await wire.say(asked)
        await held.reached.wait()
        for number in range(5):
            await ada.say(room_id, str(number))
        held.go_on.set()
        sub = (await wire.reply(asked["id"]))["connect"]["subs"][f"room:{room_id}"]
        assert sub["offset"] == 2
        assert [pub["offset"] for pub in sub["publications"]] == [2]
        await wire.expect_event(room_id, 7)
        assert wire.offsets(room_id) == [3, 4, 5, 6, 7]
        assert "connect" in wire.lines[0]


@pytest.mark.parametrize("at", ["positions", "still_admitted"])
async def test_who_leaves_while_entering_does_not_enter(
    node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port) as his:
        with monkeypatch.context() as patched:
            held = Held(patched, at)
            asked = his.command("connect", token=bob.token)
            await his.say(asked)
            await held.reached.wait()
            await bob.leave(room_id)
            held.go_on.set()
            result = (await his.reply(asked["id"]))["connect"]
        assert f"room:{room_id}" not in result.get("subs", {})
        await ada.say(room_id, "among ourselves")
        await his.rpc("rooms.mine")
        assert his.of(room_id) == []


async def test_who_left_after_the_rooms_were_looked_up_does_not_enter(node: Node, ada: Member, bob: Member) -> None:
    """The order to leave comes before there is anything to leave."""
    room_id = await ada.make_room()
    await bob.join(room_id)
    channels_of = node.engine.channels_of

    async def then_leaves(caller: Any) -> Sequence[str]:
        channels = await channels_of(caller)
        if caller.user_id == bob.id:
            await bob.leave(room_id)
        return channels

    object.__setattr__(node.engine, "channels_of", then_leaves)
    try:
        async with wired(node.port) as his:
            result = await his.connect(bob.token)
    finally:
        object.__setattr__(node.engine, "channels_of", channels_of)
    assert f"room:{room_id}" not in result.get("subs", {})


async def test_who_leaves_while_subscribing_is_refused(
    node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port, bob.token) as his:
        await his.do("unsubscribe", channel=f"room:{room_id}")
        with monkeypatch.context() as patched:
            held = Held(patched, "positions")
            asked = his.command("subscribe", channel=f"room:{room_id}")
            await his.say(asked)
            await held.reached.wait()
            await bob.leave(room_id)
            held.go_on.set()
            assert (await his.reply(asked["id"]))["error"]["code"] == 103


async def test_who_joins_while_connecting_hears_the_room(
    node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, room_id = await bob.make_room(), await ada.make_room()
    async with wired(node.port) as his:
        with monkeypatch.context() as patched:
            held = Held(patched, "positions")
            asked = his.command("connect", token=bob.token)
            await his.say(asked)
            await held.reached.wait()
            await bob.join(room_id)
            held.go_on.set()
            result = (await his.reply(asked["id"]))["connect"]
            assert f"room:{first}" in result["subs"]
        push = await his.expect_push("subscribe", f"room:{room_id}")
        await ada.say(room_id, "welcome")
        await his.expect_event(room_id, 3)
        assert his.offsets(room_id) == list(range(push["subscribe"]["offset"] + 1, 4))


async def test_who_joins_while_a_connect_fails_may_try_again(
    node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bob.make_room()
    room_id = await ada.make_room()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def fails(*_: object) -> Mapping[str, Position]:
        reached.set()
        await go_on.wait()
        raise RuntimeError("no")

    async with wired(node.port) as his:
        with monkeypatch.context() as patched:
            patched.setattr(RoomChannels, "positions", fails)
            asked = his.command("connect", token=bob.token)
            await his.say(asked)
            await reached.wait()
            await bob.join(room_id)
            go_on.set()
            assert (await his.reply(asked["id"]))["error"]["code"] == 100
        assert f"room:{room_id}" in (await his.connect(bob.token))["subs"]


@pytest.mark.parametrize("at", ["positions", "still_admitted", "after"])
async def test_who_vanishes_while_entering_leaves_nothing_behind(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    room_id = await ada.make_room()
    epoch = (await ada.http.get(f"/api/v1.0/rooms/{room_id}")).json()["epoch"]
    await ada.say(room_id, "missed")
    wire = await Wire.open(node.port)
    with monkeypatch.context() as patched:
        held = Held(patched, at)
        subs = {f"room:{room_id}": {"recover": True, "offset": 1, "epoch": epoch}}
        await wire.say(wire.command("connect", token=ada.token, subs=subs))
        await held.reached.wait()
        await wire.vanish()
        await until(lambda: node.engine.hub.sockets_of(ada.id) == 0)
        await until(lambda: f"room:{room_id}" not in node.engine.hub.channels)
        held.go_on.set()
    await until(lambda: not node.engine.tasks)
    assert f"room:{room_id}" not in node.engine.broker._streams


async def test_a_log_with_a_hole_is_not_called_recovered(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await ada.make_room()
    for _ in range(4):
        await ada.say(room_id, "x")
    after = RoomChannels.after

    async def with_a_hole(namespace: RoomChannels, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        return [one for one in await after(namespace, channel, offset, limit) if one.offset != 3]

    async with wired(node.port, ada.token) as wire:
        epoch = (await wire.do("history", channel=f"room:{room_id}"))["epoch"]
        monkeypatch.setattr(RoomChannels, "after", with_a_hole)
        result = await wire.subscribe(f"room:{room_id}", recover=True, offset=1, epoch=epoch)
        assert result["recovered"] is False
        assert "publications" not in result


async def test_of_two_who_come_at_once_the_one_who_looked_first_misses_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens on this node yet. What is said between their two looks at the log moves the end of it."""
    align = Broker.align
    looked, settled = asyncio.Event(), asyncio.Event()

    async def held_up(broker: Broker, name: str, position: Position) -> None:
        if not looked.is_set():
            looked.set()
            await settled.wait()
        await align(broker, name, position)

    async with start() as node, enrol(node, "Ada") as ada, enrol(node, "Bob") as bob:
        room_id = await ada.make_room()
        await bob.join(room_id)
        for member in (ada, bob):  # but for this room, they would wait for each other in others
            for room in (await member.http.get("/api/v1.0/rooms")).json()["rooms"]:
                if room["id"] != room_id:
                    await member.leave(room["id"])
        async with wired(node.port) as hers, wired(node.port) as his:
            monkeypatch.setattr(Broker, "align", held_up)
            connecting = asyncio.create_task(hers.connect(ada.token))
            await looked.wait()
            await ada.say(room_id, "between the two")
            await his.connect(bob.token)
            settled.set()
            offset = (await connecting)["subs"][f"room:{room_id}"]["offset"]
            await ada.say(room_id, "after both")
            await hers.expect_event(room_id, 4)
            assert hers.offsets(room_id) == list(range(offset + 1, 5))
