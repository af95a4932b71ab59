"""Saying who one is, and going on with another token."""

from uuid import uuid4

import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import until, wired


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
    assert [event["kind"] for event in await ada.events(room_id)] == ["created"]


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
    assert [event["kind"] for event in await ada.events(room_id)] == ["created"]


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
