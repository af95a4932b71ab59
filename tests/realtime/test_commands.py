"""Frames of commands, and the commands that ask: history, presence, rpc. With their refusals."""

import asyncio
import json
from uuid import uuid4

import pytest

from folkmoot.app import Node
from folkmoot.database import Database
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Wire, wired


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
        assert (await ada.events(room["id"]))[-1] == event
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
