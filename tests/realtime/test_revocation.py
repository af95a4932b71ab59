"""Whoever loses a session or a room loses it on open sockets too, at once and everywhere."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from folkmoot.actions import Call
from folkmoot.app import Node
from folkmoot.bus import Bus
from folkmoot.commands import OPERATOR
from folkmoot.errors import Unavailable
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.messages.channels import RoomChannels
from folkmoot.realtime import recheck
from folkmoot.realtime.client import Client
from folkmoot.realtime.connection import Connection
from tests.conftest import Start
from tests.people import PASSWORD, Member, enrol
from tests.realtime.wire import Wire, wired

AT_ONCE_S = 3.0


@pytest.fixture
async def other(start: Start) -> AsyncIterator[Node]:
    """A second node on the same Redis."""
    async with start() as started:
        yield started


async def end(node: Node, member: Member, how: str) -> None:
    """Ends all sessions of the member that this test uses: one."""
    if how == "sign-out":
        answer = await member.http.delete("/api/v1.0/session")
        assert answer.status_code == 204
    elif how == "revoke":
        (session,) = (await member.http.get("/api/v1.0/sessions")).json()["sessions"]
        assert (await member.http.delete(f"/api/v1.0/sessions/{session['id']}")).status_code == 204
    elif how == "disable":
        await accounts.disable.perform(Call(node.core, OPERATOR), {"user_id": member.id})
    else:
        given = {"user_id": member.id, "password": "another horse battery"}
        await accounts.set_password.perform(Call(node.core, OPERATOR), given)


@pytest.mark.parametrize("how", ["sign-out", "revoke", "disable", "password"])
async def test_the_end_of_a_session_closes_its_sockets_on_all_nodes_at_once(
    node: Node, other: Node, ada: Member, how: str
) -> None:
    async with wired(node.port, ada.token) as here, wired(other.port, ada.token) as there:
        ended_at = asyncio.get_running_loop().time()
        await end(node, ada, how)
        for wire in (here, there):
            assert await wire.expect_close(AT_ONCE_S) == 3503
        assert asyncio.get_running_loop().time() - ended_at < AT_ONCE_S
    for one in (node, other):
        async with wired(one.port) as again:
            await again.say({"id": 1, "connect": {"token": ada.token}})
            assert await again.expect_close() in (3500, 3503)


async def test_other_sessions_of_the_user_go_on(node: Node, ada: Member) -> None:
    credentials = {"email": ada.email, "password": PASSWORD}
    second = (await ada.http.post("/api/v1.0/user/auth", json=credentials)).json()["data"]["access_token"]
    async with wired(node.port, ada.token) as ending, wired(node.port, second) as staying:
        await end(node, ada, "sign-out")
        assert await ending.expect_close(AT_ONCE_S) == 3503
        assert "rooms" in await staying.rpc("rooms.mine")


async def test_a_lost_word_about_a_session_is_made_good_within_ten_seconds(
    node: Node, other: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wired(node.port, ada.token) as here, wired(other.port, ada.token) as there:
        with monkeypatch.context() as deaf:
            deaf.setattr(node.core.bus, "publish", lambda topic, payload: None)
            await end(node, ada, "sign-out")
            assert await here.expect_close(AT_ONCE_S) == 3503
        # It is still open there, for this test to mean anything.
        await there.ask("history", channel="echo")
        assert await there.expect_close(10.0) == 3503


async def test_a_session_that_ends_while_its_socket_connects_gets_no_socket(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is found, and ends before the socket is registered."""
    found, go_on = asyncio.Event(), asyncio.Event()
    authenticate = node.engine.authenticate

    async def slowly(token: str) -> object:
        caller = await authenticate(token)
        found.set()
        await go_on.wait()
        return caller

    object.__setattr__(node.engine, "authenticate", slowly)
    try:
        async with wired(node.port) as wire:
            await wire.say({"id": 1, "connect": {"token": ada.token}})
            await found.wait()
            await end(node, ada, "sign-out")
            go_on.set()
            assert await wire.expect_close() == 3503
            assert wire.lines == []
    finally:
        object.__setattr__(node.engine, "authenticate", authenticate)


async def test_what_a_revoked_socket_had_still_asked_for_is_not_done(
    node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await bob.make_room()
    await ada.join(room_id)
    async with wired(node.port, ada.token) as wire:
        (client,) = [one for one in node.engine.hub.listeners(f"room:{room_id}") if one.user_id == ada.id]
        assert isinstance(client, Client)
        asked = Connection.close

        def slow_to_hang_up(connection: Connection, close: object) -> None:
            asked(connection, close)  # type: ignore[arg-type]
            data = b'{"id":99,"publish":{"channel":"room:%d","data":{"body":"late","client_id":"%s"}}}'
            client.received(data % (room_id, str(uuid4()).encode()), True)

        monkeypatch.setattr(Connection, "close", slow_to_hang_up)
        await end(node, ada, "sign-out")
        assert await wire.expect_close() == 3503
    events = await bob.events(room_id)
    assert [event["kind"] for event in events] == ["created", "joined"]


# -- rooms


async def test_leaving_a_room_stops_it_on_all_sockets_at_once(
    node: Node, other: Node, ada: Member, bob: Member
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    channel = f"room:{room_id}"
    async with (
        wired(node.port, bob.token) as here,
        wired(other.port, bob.token) as there,
        wired(other.port, bob.token) as asked,
        wired(node.port, ada.token) as hers,
    ):
        await asked.subscribe(channel)
        await bob.leave(room_id)
        for wire in (here, there, asked):
            push = await wire.expect_push("unsubscribe", channel)
            assert push["unsubscribe"]["code"] == 2000
        for _ in range(5):
            await ada.say(room_id, "among ourselves")
        await hers.expect_event(room_id, 8)
        for wire in (here, there, asked):
            await wire.rpc("rooms.mine")
            assert max(wire.offsets(room_id), default=0) < 3, "nothing from its own 'left' on"


async def test_no_event_follows_the_one_that_says_one_has_left(
    node: Node, other: Node, ada: Member, bob: Member
) -> None:
    """While others talk all the time, on both nodes."""
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as hers, wired(other.port, bob.token) as his:
        talking = True

        async def talk(wire: Wire) -> None:
            while talking:
                await wire.post(room_id, "talk")

        async with wired(other.port, ada.token) as too, asyncio.TaskGroup() as group:
            group.create_task(talk(hers))
            group.create_task(talk(too))
            for _ in range(5):
                await bob.join(room_id)
                await his.expect_push("subscribe", f"room:{room_id}")
                await bob.leave(room_id)
                await his.expect_push("unsubscribe", f"room:{room_id}")
            talking = False
    events = (await ada.http.get(f"/api/v1.0/rooms/{room_id}/events?after=0&limit=200")).json()["events"]
    stays = []
    for event in events:
        if event["author"]["id"] == bob.id:
            if event["kind"] == "joined":
                stays.append(range(event["seq"], 10**9))
            else:
                stays[-1] = range(stays[-1].start, event["seq"])
    heard = his.offsets(room_id)
    assert heard
    assert all(any(seq in stay for stay in stays) for seq in heard), (heard, stays)


async def test_who_was_taken_out_can_do_nothing_in_the_room(node: Node, other: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(other.port, bob.token) as his, wired(node.port, ada.token) as hers:
        await hers.subscribe(f"typing:{room_id}")
        await bob.leave(room_id)
        await his.expect_push("unsubscribe")
        data = {"body": "still here?", "client_id": str(uuid4())}
        for name, request in (
            ("subscribe", {"channel": f"room:{room_id}"}),
            ("subscribe", {"channel": f"room:{room_id}", "recover": True, "offset": 1, "epoch": ""}),
            ("subscribe", {"channel": f"typing:{room_id}"}),
            ("history", {"channel": f"room:{room_id}", "limit": 10}),
            ("presence", {"channel": f"room:{room_id}"}),
            ("presence_stats", {"channel": f"typing:{room_id}"}),
            ("publish", {"channel": f"room:{room_id}", "data": data}),
            ("publish", {"channel": f"typing:{room_id}", "data": {}}),
        ):
            assert await his.refused(name, **request) == 103, (name, request)
        for method in ("messages.history", "rooms.members", "rooms.get", "rooms.leave"):
            assert await his.refused("rpc", method=method, data={"room_id": room_id}) == 404
        assert await his.refused("rpc", method="messages.send", data={**data, "room_id": room_id}) == 404
        await hers.rpc("rooms.mine")
        assert {push["channel"] for push in hers.pushes} == {f"room:{room_id}"}


async def test_typing_ends_with_the_room_as_well(node: Node, other: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port, bob.token) as his, wired(node.port, ada.token) as hers:
        await his.subscribe(f"typing:{room_id}")
        await bob.leave(room_id)
        await his.expect_push("unsubscribe", f"room:{room_id}")
        await hers.do("publish", channel=f"typing:{room_id}", data={"secret": True})
        await his.rpc("rooms.mine")
        assert not [push for push in his.pushes if push["channel"] == f"typing:{room_id}" and "pub" in push]


async def test_a_word_about_a_room_that_was_lost_is_made_good_by_asking_again(
    start: Start, node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "SESSIONS_S", 0.1)
    monkeypatch.setattr(recheck, "LISTENERS_S", 0.2)
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with start() as other, wired(other.port, bob.token) as his:
        with monkeypatch.context() as deaf:
            deaf.setattr(node.core.bus, "publish", lambda topic, payload: None)
            await bob.leave(room_id)
        await his.expect_push("unsubscribe", f"room:{room_id}")


async def test_a_room_one_came_into_unheard_is_made_good_by_asking_again(
    start: Start, node: Node, ada: Member, bob: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "SESSIONS_S", 0.1)
    monkeypatch.setattr(recheck, "LISTENERS_S", 0.2)
    room_id = await ada.make_room()
    async with start() as other, wired(other.port, bob.token) as his:
        with monkeypatch.context() as deaf:
            deaf.setattr(node.core.bus, "publish", lambda topic, payload: None)
            await bob.join(room_id)
        await his.expect_push("subscribe", f"room:{room_id}")


async def test_nobody_is_sent_away_because_the_database_could_not_be_asked(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "SESSIONS_S", 0.05)
    monkeypatch.setattr(recheck, "LISTENERS_S", 0.05)
    async with start() as node, enrol(node, "Ada") as ada:
        room_id = await ada.make_room()
        async with wired(node.port, ada.token) as wire:
            await node.core.database.close()
            await asyncio.sleep(0.3)
            await node.core.database.open()
            await wire.post(room_id, "still here")
            await wire.expect_event(room_id, 2)


# -- coming into rooms


@pytest.mark.parametrize("how", ["create", "join", "add"])
async def test_who_comes_into_a_room_hears_it_on_all_sockets_without_a_gap(
    node: Node, other: Node, ada: Member, bob: Member, how: str
) -> None:
    async with wired(node.port, bob.token) as here, wired(other.port, bob.token) as there:
        if how == "create":
            room_id = await bob.make_room()
            await here.hears(lambda: any("subscribe" in push for push in here.pushes))
            await bob.http.post(f"/api/v1.0/rooms/{room_id}/members", json={"user_id": ada.id})
        else:
            room_id = await ada.make_room()
            await ada.say(room_id, "before")
            if how == "join":
                await bob.join(room_id)
            else:
                answer = await ada.http.post(f"/api/v1.0/rooms/{room_id}/members", json={"user_id": bob.id})
                assert answer.status_code == 201
        last = 0
        for number in range(10):
            last = int(str((await ada.say(room_id, str(number)))["seq"]))
        for wire in (here, there):
            push = await wire.expect_push("subscribe", f"room:{room_id}")
            position = push["subscribe"]["offset"]
            assert push["subscribe"]["recoverable"] is True
            assert push["subscribe"]["epoch"]
            await wire.expect_event(room_id, last)
            assert wire.offsets(room_id) == list(range(position + 1, last + 1))
            assert len([push for push in wire.pushes if "subscribe" in push]) == 1


async def test_a_socket_that_cannot_be_shown_its_new_room_comes_back(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not live on without the room."""
    async with wired(node.port, ada.token) as wire:
        with monkeypatch.context() as broken:
            broken.setattr(RoomChannels, "positions", _away)
            await ada.make_room()
            assert await wire.expect_close() == 3010


async def _away(*_: object) -> object:
    raise Unavailable


async def test_lost_orders_and_junk_do_not_deafen_a_node(node: Node, other: Node, ada: Member) -> None:
    bus = Bus(node.settings.redis_dsn)
    try:
        for junk in (
            b"",
            b"{}",
            b"[1]",
            b'{"node":1}',
            b'{"node":"x","leave":[1]}',
            b"\xff\x00",
            b'{"node":"","join":[0,""]}',
        ):
            bus.publish("sockets", junk)
        bus._flush()
    finally:
        await bus.close()
    async with wired(other.port, ada.token) as wire:
        room_id = await ada.make_room()
        await wire.expect_push("subscribe", f"room:{room_id}")
