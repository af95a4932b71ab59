"""Subscribing to channels and publishing there."""

from uuid import uuid4

import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import wired


async def test_a_channel_nobody_offers_is_unknown(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        for channel in (
            "",
            "nothing",
            "nothing:1",
            "room",
            "room:",
            "room:x",
            "room:01",
            "room:-1",
            "room: 1",
            "echo:1",
        ):
            assert await wire.refused("subscribe", channel=channel) == 102, channel
        for channel in ("room:" + "9" * 19, "room:\u0661", "room:1:2", "room:" + "1" * 300, "typing:0", ":", "ROOM:1"):
            assert await wire.refused("subscribe", channel=channel) == 102, channel


@pytest.mark.parametrize("command", ["subscribe", "history", "presence", "presence_stats", "publish"])
async def test_a_room_of_others_and_a_room_that_is_not_there_are_refused_alike(
    node: Node, ada: Member, stranger: Member, command: str
) -> None:
    room_id = await ada.make_room()
    data = {"data": {"body": "hello", "client_id": str(uuid4())}} if command == "publish" else {}
    async with wired(node.port, stranger.token) as wire:
        theirs = await wire.ask(command, channel=f"room:{room_id}", **data)
        nowhere = await wire.ask(command, channel="room:123456789012", **data)
        assert theirs["error"] == nowhere["error"] == {"code": 103, "message": "permission denied"}
    assert [event["kind"] for event in await ada.events(room_id)] == ["created"]


async def test_typing_is_for_members_too(node: Node, ada: Member, stranger: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, stranger.token) as wire:
        assert await wire.refused("subscribe", channel=f"typing:{room_id}") == 103
        assert await wire.refused("publish", channel=f"typing:{room_id}", data={}) == 103


async def test_subscribing_twice_is_refused_until_unsubscribed(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    async with wired(node.port, ada.token) as wire:
        # The server's own subscription may be taken over, once.
        await wire.subscribe(channel)
        assert await wire.refused("subscribe", channel=channel) == 105
        assert await wire.do("unsubscribe", channel=channel) == {}
        await wire.subscribe(channel)
        await wire.do("unsubscribe", channel=channel)
        said = await ada.say(room_id, "unheard")
        await wire.do("unsubscribe", channel=channel)
        assert said["seq"] not in wire.offsets(room_id)


async def test_a_connection_has_a_limited_number_of_channels(start: Start) -> None:
    async with start(channels_per_socket=3) as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        async with wired(node.port, ada.token) as wire:
            full = len(node.engine.hub.channels)
            assert full <= 2
            await wire.subscribe("echo")
            if full == 1:
                await wire.subscribe(f"typing:{room_id}")
            assert await wire.refused("subscribe", channel=f"typing:{room_id}") in (105, 106)
            await wire.do("unsubscribe", channel="echo")
            await wire.do("unsubscribe", channel=f"typing:{room_id}")
            await wire.subscribe(f"typing:{room_id}")


async def test_a_publication_is_a_message_for_everybody_and_then_an_answer(
    node: Node, ada: Member, bob: Member
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port, ada.token) as hers, wired(node.port, bob.token) as his:
        client_id = str(uuid4())
        await hers.post(room_id, "hello", client_id)
        for wire in (hers, his):
            push = await wire.expect_push(channel=f"room:{room_id}")
            event = push["pub"]["data"]
            assert event["body"] == "hello"
            assert event["client_id"] == client_id
            assert event["author"] == {"id": ada.id, "name": "Ada"}
            assert event["seq"] == push["pub"]["offset"]
            assert push["pub"]["info"]["user"] == str(ada.id)


async def test_a_repeated_publication_is_one_message(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        client_id = str(uuid4())
        for _ in range(3):
            await wire.post(room_id, "once", client_id)
        await wire.post(room_id, "after")
    assert [event["body"] for event in await ada.events(room_id)] == [None, "once", "after"]


@pytest.mark.parametrize(
    "data",
    [None, [], "hello", {}, {"body": "x"}, {"body": "", "client_id": str(uuid4())}, {"body": "x", "client_id": "1"}],
)
async def test_a_publication_of_another_shape_is_a_bad_request(node: Node, ada: Member, data: object) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        assert await wire.refused("publish", channel=f"room:{room_id}", data=data) == 107


async def test_the_room_of_a_publication_is_its_channel(node: Node, ada: Member, stranger: Member) -> None:
    """A `room_id` in the data decides nothing."""
    theirs, mine = await stranger.make_room("Elsewhere"), await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        data = {"body": "here", "client_id": str(uuid4()), "room_id": theirs}
        await wire.do("publish", channel=f"room:{mine}", data=data)
    assert len(await stranger.events(theirs)) == 1


async def test_pipelined_publications_keep_their_order(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        bodies = [str(number) for number in range(150)]
        commands = [
            wire.command("publish", channel=f"room:{room_id}", data={"body": body, "client_id": str(uuid4())})
            for body in bodies
        ]
        await wire.say(*commands[:70])
        for command in commands[70:]:
            await wire.say(command)
        await wire.expect_event(room_id, 151)
        assert [pub["data"]["body"] for pub in wire.of(room_id)] == bodies
        for command in commands:
            assert "publish" in await wire.reply(command["id"])


async def test_a_message_may_have_any_text(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    body = '</script> "\\ \n\r\t \u2028 \u00fc \U0001f600 {"push":{}}'
    async with wired(node.port, ada.token) as wire:
        await wire.post(room_id, body)
        assert (await wire.expect_event(room_id, 2))["body"] == body


async def test_typing_reaches_listeners_and_no_log(node: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port, ada.token) as hers, wired(node.port, bob.token) as his:
        assert await his.subscribe(f"typing:{room_id}") == {}
        await hers.do("publish", channel=f"typing:{room_id}", data={"typing": True})
        push = await his.expect_push(channel=f"typing:{room_id}")
        assert push["pub"]["data"] == {"typing": True}
        assert push["pub"]["info"]["user"] == str(ada.id)
        assert "offset" not in push["pub"]
        assert await hers.refused("publish", channel=f"typing:{room_id}", data="x" * 2_000) == 107
        assert await his.refused("history", channel=f"typing:{room_id}") == 108
    assert len(await ada.events(room_id)) == 2


async def test_the_echo_channel_gives_back_what_it_is_given(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        await wire.subscribe("echo")
        data: dict[str, object] = {"odd": [1, None, "\u00fc", 1.5, {}]}
        await wire.do("publish", channel="echo", data=data)
        assert (await wire.expect_push(channel="echo"))["pub"]["data"] == data
