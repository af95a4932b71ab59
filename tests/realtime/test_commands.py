"""The commands of the protocol one by one, with their refusals."""

import asyncio
import gc
import json
from types import TracebackType
from uuid import uuid4

import pytest

from folkmoot.app import Node
from folkmoot.database import Database
from folkmoot.errors import Unavailable
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Wire, until, wired

# -- connect


async def test_connect_answers_who_one_is_and_the_rooms_one_is_in(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    said = await ada.say(room_id, "hello")
    async with wired(node.port) as wire:
        result = await wire.connect(ada.token, name="test", version="1")
    assert result["client"]
    assert result["version"].startswith("Folkmoot ")
    assert result["ping"] == 25
    assert result["pong"] is True
    assert result["expires"] is True
    assert result["ttl"] > 86_400
    sub = result["subs"][f"room:{room_id}"]
    assert sub["offset"] == said["seq"]
    assert sub["recoverable"] is True
    assert sub["positioned"] is True
    assert "publications" not in sub


@pytest.mark.parametrize("path", ["/ws", "/api/ws", "/connection/websocket", "/api/connection/websocket"])
async def test_every_address_of_the_socket_speaks_the_protocol(node: Node, ada: Member, path: str) -> None:
    async with wired(node.port, ada.token, path) as wire:
        assert await wire.rpc("rooms.mine")


@pytest.mark.parametrize("token", ["wrong", "", "x" * 5_000, "\u00fc"])
async def test_a_wrong_token_ends_the_connection_for_good(node: Node, token: str) -> None:
    async with wired(node.port) as wire:
        await wire.say({"id": 1, "connect": {"token": token}})
        assert await wire.expect_close() == 3500


async def test_the_first_command_is_connect(node: Node) -> None:
    async with wired(node.port) as wire:
        await wire.say({"id": 1, "rpc": {"method": "rooms.mine"}})
        assert await wire.expect_close() == 3501
        assert wire.lines == []


async def test_nothing_is_done_for_a_client_that_has_not_said_who_it_is(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port) as wire:
        data = {"body": "smuggled", "client_id": str(uuid4())}
        await wire.say(
            {"id": 1, "connect": {"token": "wrong"}},
            {"id": 2, "publish": {"channel": f"room:{room_id}", "data": data}},
        )
        assert await wire.expect_close() == 3500
    assert [event["kind"] for event in await events_of(ada, room_id)] == ["created"]


async def test_a_second_connect_ends_the_connection_and_what_follows_is_not_done(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        data = {"body": "late", "client_id": str(uuid4())}
        await wire.say(
            {"id": 8, "connect": {"token": ada.token}},
            {"id": 9, "publish": {"channel": f"room:{room_id}", "data": data}},
        )
        assert await wire.expect_close() == 3501
        assert 9 not in wire.replies
    assert [event["kind"] for event in await events_of(ada, room_id)] == ["created"]


async def test_who_does_not_say_who_they_are_is_sent_away_in_time(start: Start) -> None:
    async with start(socket_connect_s=0.3, socket_ping_s=2.0) as node, wired(node.port) as wire:
        assert await wire.expect_close() == 3502


async def test_one_user_has_a_limited_number_of_sockets(start: Start) -> None:
    async with (
        start(sockets_per_user=2) as node,
        enrol(node, "Ada") as ada,
        wired(node.port, ada.token),
        wired(node.port, ada.token) as second,
        wired(node.port) as third,
    ):
        await third.say({"id": 1, "connect": {"token": ada.token}})
        assert await third.expect_close() == 3504
        await second.leave()
        await until(lambda: node.engine.hub.sockets_of(ada.id) == 1)
        async with wired(node.port, ada.token):
            pass


async def test_more_rooms_than_channels_are_no_reason_to_send_somebody_away(start: Start) -> None:
    async with start(channels_per_socket=2) as node, enrol(node, "Ada") as ada:
        for _ in range(3):
            await ada.make_room()
        async with wired(node.port) as wire:
            assert len((await wire.connect(ada.token))["subs"]) == 2


# -- frames


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        b"\x00\x01",
        b"{}",
        '{"id":5,"rpc":{},"presence":{}}',
        '{"rpc":{"method":"rooms.mine"}}',
        '{"id":0,"rpc":{"method":"rooms.mine"}}',
        '{"id":4294967296,"rpc":{"method":"rooms.mine"}}',
        '{"id":5,"joined":{"channel":"room:1"}}',
        '{"id":5,"rpc":{"data":' + "[" * 20_000,
    ],
    ids=[
        "text",
        "binary",
        "binary pong",
        "two requests",
        "no id",
        "id 0",
        "id beyond",
        "no command of clients",
        "deep",
    ],
)
async def test_a_frame_that_is_not_the_protocol_ends_the_connection(
    node: Node, ada: Member, frame: str | bytes
) -> None:
    async with wired(node.port, ada.token) as wire:
        await wire.raw(frame)
        assert await wire.expect_close() == 3501


async def test_an_empty_frame_and_pongs_nobody_asked_for_are_harmless(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        for frame in ("", "{}", "\n\n", "{}\n{}"):
            await wire.raw(frame)
        assert "rooms" in await wire.rpc("rooms.mine")


async def test_many_commands_in_a_frame_are_answered_by_their_ids(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        methods = ["rooms.mine", "accounts.people", "rooms.nothing"]
        await wire.say(*({"id": 100 + number, "rpc": {"method": methods[number % 3]}} for number in range(90)))
        for number in range(90):
            reply = await wire.reply(100 + number)
            if number % 3 == 2:
                assert reply["error"]["code"] == 104
            else:
                assert ["rooms", "people"][number % 3] in reply["rpc"]["data"]


async def test_three_thousand_commands_in_one_frame_are_all_answered_and_few_run_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a second's worth is refused, not forgotten."""
    async with (
        start(socket_commands_in_flight=16, socket_commands_per_s=100) as node,
        enrol(node, "Ada") as ada,
        wired(node.port, ada.token) as wire,
    ):
        running = most = 0
        positions = Database.connection

        def counted(database: Database) -> object:
            nonlocal most
            most = max(most, len(node.engine.tasks))
            return positions(database)

        monkeypatch.setattr(Database, "connection", counted)
        await wire.say(*({"id": number, "rpc": {"method": "rooms.mine"}} for number in range(10, 1_210)))
        await wire.hears(lambda: len(wire.replies) == 1_201, within_s=20)
        codes = {reply["error"]["code"] for reply in wire.replies.values() if "error" in reply}
        answered = [reply for reply in wire.replies.values() if "rpc" in reply]
        assert codes == {111}
        assert 99 <= len(answered) < 1_200
        assert running == 0
        assert 1 < most <= 17  # sixteen commands, and the worker that hands them out


async def test_three_thousand_short_commands_fit_into_a_frame(start: Start) -> None:
    async with start(socket_commands_per_s=200) as node, enrol(node, "Ada") as ada, wired(node.port, ada.token) as wire:
        await wire.raw("\n".join(f'{{"id":{number},"rpc":{{}}}}' for number in range(10, 3_010)))
        await wire.hears(lambda: len(wire.replies) == 3_001)
        assert {reply["error"]["code"] for key, reply in wire.replies.items() if key > 1} == {104, 111}
        # Reading goes on afterwards.
        await asyncio.sleep(0.05)
        assert "rooms" in await wire.rpc("rooms.mine")


async def test_half_of_a_character_does_not_cost_the_connection(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        data = {"room_id": room_id, "body": "\ud800", "client_id": str(uuid4())}
        await wire.say({"id": 50, "rpc": {"method": "messages.send", "data": data}})
        assert (await wire.reply(50))["rpc"]["data"]["body"] == "\ufffd"
        await wire.post(room_id, "whole \U0001f600")


# -- subscribe and unsubscribe


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
    assert [event["kind"] for event in await events_of(ada, room_id)] == ["created"]


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


# -- publish


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
    assert [event["body"] for event in await events_of(ada, room_id)] == [None, "once", "after"]


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
    assert len(await events_of(stranger, theirs)) == 1


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
    assert len(await events_of(ada, room_id)) == 2


async def test_the_echo_channel_gives_back_what_it_is_given(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        await wire.subscribe("echo")
        data = {"odd": [1, None, "\u00fc", 1.5, {}]}
        await wire.do("publish", channel="echo", data=data)
        assert (await wire.expect_push(channel="echo"))["pub"]["data"] == data


# -- history, presence, rpc


async def test_history_gives_pages_in_both_directions(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    for number in range(9):
        await ada.say(room_id, str(number))
    channel = f"room:{room_id}"

    async with wired(node.port, ada.token) as wire:

        async def offsets(**request: object) -> list[int]:
            result = await wire.do("history", channel=channel, **request)
            assert result["offset"] == 10
            return [pub["offset"] for pub in result.get("publications", [])]

        position = await wire.do("history", channel=channel)
        assert set(position) == {"epoch", "offset"}
        epoch = position["epoch"]
        assert await offsets(limit=3) == [1, 2, 3]
        assert await offsets(limit=3, since={"offset": 3, "epoch": epoch}) == [4, 5, 6]
        assert await offsets(limit=3, since={"offset": 3}) == [4, 5, 6]
        assert await offsets(limit=-1) == list(range(1, 11))
        assert await offsets(limit=3, reverse=True) == [10, 9, 8]
        assert await offsets(limit=3, reverse=True, since={"offset": 8, "epoch": epoch}) == [7, 6, 5]
        assert await offsets(limit=3, since={"offset": 10}) == []
        assert await offsets(limit=3, since={"offset": 2**63}) == []
        assert await offsets(limit=3, since={"offset": 2**64}) == []
        assert await offsets(limit=2**40) == list(range(1, 11))
        assert await wire.refused("history", channel=channel, since={"offset": 3, "epoch": "another"}) == 112


async def test_history_is_given_in_pages_of_a_limited_size(start: Start) -> None:
    async with start(page_events=5) as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        for number in range(9):
            await ada.say(room_id, str(number))
        async with wired(node.port, ada.token) as wire:
            result = await wire.do("history", channel=f"room:{room_id}", limit=100)
            assert [pub["offset"] for pub in result["publications"]] == [1, 2, 3, 4, 5]


async def test_what_is_not_offered_says_so(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        assert await wire.refused("history", channel="echo") == 108
        assert await wire.refused("sub_refresh", channel=f"room:{room_id}", token="x") == 108
        assert await wire.refused("rpc", method="no.such") == 104
        assert await wire.refused("rpc", method="") == 104
        assert (
            await wire.refused("rpc", method="accounts.sign_in", data={"email": "a@b.c", "password": "12345678"}) == 104
        )


async def test_an_action_answers_through_rpc_as_it_does_by_http(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        room = await wire.rpc("rooms.create", name="Garden", visibility="private")
        assert (await ada.http.get(f"/api/v1.0/rooms/{room['id']}")).json() == room
        event = await wire.rpc("messages.send", room_id=room["id"], body="hello", client_id=str(uuid4()))
        assert (await events_of(ada, room["id"]))[-1] == event
        assert (await wire.rpc("messages.mark_read", room_id=room["id"], seq=2)) == {"read_seq": 2}
        assert await wire.refused("rpc", method="rooms.create", data={"name": ""}) == 107
        assert await wire.refused("rpc", method="rooms.create", data=[1]) == 107
        assert await wire.refused("rpc", method="rooms.get", data={"room_id": 123456789012}) == 404
        assert await wire.refused("rpc", method="accounts.add", data={}) == 103


async def test_send_is_never_answered(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        await wire.say({"send": {"data": {"any": "thing"}}}, {"id": 900, "send": {}})
        await wire.rpc("rooms.mine")
        assert 0 not in wire.replies
        assert 900 not in wire.replies


async def test_a_flood_of_sends_is_not_answered_either(start: Start) -> None:
    """A reply without an id would look like a ping."""
    async with start(socket_commands_per_s=5) as node, enrol(node, "Ada") as ada, wired(node.port, ada.token) as wire:
        await wire.say(*({"send": {}} for _ in range(50)))
        assert await wire.refused("rpc", method="rooms.mine") == 111
        assert all(line.get("id") for line in wire.lines)


async def test_a_refused_flood_is_over_when_the_sender_waits(start: Start) -> None:
    async with start(socket_commands_per_s=20) as node, enrol(node, "Ada") as ada, wired(node.port, ada.token) as wire:
        replies = [await wire.ask("rpc", method="rooms.mine") for _ in range(40)]
        refused = [reply["error"] for reply in replies if "error" in reply]
        assert refused
        assert {(error["code"], error["temporary"]) for error in refused} == {(111, True)}
        await asyncio.sleep(0.1)
        assert "rooms" in await wire.rpc("rooms.mine")


# -- refresh


async def test_a_connection_goes_on_with_another_token_of_the_same_user(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    credentials = {"email": ada.email, "password": "correct horse battery"}
    second = (await ada.http.post("/api/v1.0/user/auth", json=credentials)).json()["data"]["access_token"]
    async with wired(node.port, ada.token) as wire:
        result = await wire.do("refresh", token=second)
        assert result["expires"] is True
        assert result["ttl"] > 0
        await ada.http.delete("/api/v1.0/session")  # the first session
        await wire.post(room_id, "still here")


@pytest.mark.parametrize("whose", ["nobody", "somebody else"])
async def test_a_connection_does_not_go_on_with_a_token_of_another(
    node: Node, ada: Member, bob: Member, whose: str
) -> None:
    async with wired(node.port, ada.token) as wire:
        await wire.say({"id": 9, "refresh": {"token": bob.token if whose == "somebody else" else "wrong"}})
        assert await wire.expect_close() == 3500


# -- a part is away


async def test_while_the_database_is_away_commands_are_refused_for_now(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    async with wired(node.port, ada.token) as wire, wired(node.port) as late:
        with monkeypatch.context() as away:
            away.setattr(Database, "connection", _away)
            data = {"body": "hello", "client_id": str(uuid4())}
            for name, request in (
                ("rpc", {"method": "rooms.mine"}),
                ("publish", {"channel": channel, "data": data}),
                ("history", {"channel": channel}),
                ("subscribe", {"channel": channel}),
                ("presence", {"channel": channel}),
            ):
                error = (await wire.ask(name, **request))["error"]
                assert error["temporary"] is True, name
                assert error["code"] == 503
            # Who has no session in the cache either is told to come back, not to sign in.
            await node.core.bus.redis.flushall()
            error = (await late.ask("connect", token=ada.token))["error"]
            assert error["temporary"] is True
        await late.connect(ada.token)
        await wire.post(room_id, "hello", data["client_id"])
        await late.expect_event(room_id, 2)


def _away(_: Database) -> object:
    raise Unavailable("The database cannot be reached right now.")


async def events_of(member: Member, room_id: int) -> list[dict[str, object]]:
    return list((await member.http.get(f"/api/v1.0/rooms/{room_id}/events")).json()["events"])


async def test_presence_says_who_is_in_the_room_now(node: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port) as hers, wired(node.port, bob.token) as his:
        client = (await hers.connect(ada.token))["client"]
        present = (await his.do("presence", channel=f"room:{room_id}"))["presence"]
        assert present[client] == {"client": client, "user": str(ada.id)}
        assert await his.do("presence_stats", channel=f"room:{room_id}") == {"num_clients": 2, "num_users": 2}


async def test_a_reply_is_one_json_object_on_one_line(node: Node, ada: Member) -> None:
    wire = await Wire.open(node.port)
    try:
        assert json.dumps(await wire.ask("connect", token=ada.token))
    finally:
        await wire.leave()


async def test_refusals_leave_nothing_behind(node: Node, ada: Member) -> None:
    """One that is kept and raised again would keep what it met each time."""
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        await wire.subscribe(f"room:{room_id}")

        async def be_refused() -> None:
            assert await wire.refused("subscribe", channel="nowhere:1") == 102
            assert await wire.refused("subscribe", channel="room:999999999") == 103
            assert await wire.refused("subscribe", channel=f"room:{room_id}") == 105
            assert await wire.refused("history", channel="echo") == 108

        await be_refused()
        gc.collect()
        before = _tracebacks()
        for _ in range(10):
            await be_refused()
        gc.collect()
        assert _tracebacks() <= before + 3  # of another task, in this moment


def _tracebacks() -> int:
    return sum(isinstance(one, TracebackType) for one in gc.get_objects())
