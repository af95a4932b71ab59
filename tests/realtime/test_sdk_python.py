"""The unmodified `centrifuge-python` of PyPI."""

import asyncio
from uuid import uuid4

import pytest
from centrifuge import (
    CentrifugeError,
    ClientState,
    StreamPosition,
)

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.python_client import Sdk, using
from tests.realtime.wire import Cable, cable_to, until


def message(body: str) -> dict[str, str]:
    return {"body": body, "client_id": str(uuid4())}


@pytest.mark.parametrize("path", ["/ws", "/connection/websocket"])
async def test_it_signs_in_subscribes_publishes_and_asks(node: Node, ada: Member, path: str) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    async with using(node.port, ada.token, path) as sdk:
        await sdk.connect()
        await until(lambda: sdk.subscriptions(channel, own=False))
        await sdk.client.publish(channel, message("to the server's"))
        await until(lambda: sdk.heard(channel) == [2])

        await sdk.subscribe(channel)
        await sdk.client.publish(channel, message("to its own"))
        await until(lambda: sdk.heard_itself(channel) == [3])
        assert sdk.heard(channel) == [2]

        page = await sdk.client.history(channel, limit=10)
        assert [pub.offset for pub in page.publications] == [1, 2, 3]
        assert [pub.data["body"] for pub in page.publications] == [None, "to the server's", "to its own"]
        since = StreamPosition(offset=2, epoch=page.epoch)
        assert [pub.offset for pub in (await sdk.client.history(channel, limit=10, since=since)).publications] == [3]
        present = await sdk.client.presence(channel)
        assert [client.user for client in present.clients.values()] == [str(ada.id)]
        stats = await sdk.client.presence_stats(channel)
        assert (stats.num_clients, stats.num_users) == (1, 1)
        answer = await sdk.client.rpc("rooms.mine", {})
        assert room_id in [room["id"] for room in answer.data["rooms"]]
        with pytest.raises(CentrifugeError):
            await sdk.client.rpc("no.such", {})


async def cut_off_while(cable: Cable, sdk: Sdk, member: Member, room_id: int, messages: int) -> None:
    """The line breaks; the others talk on; then it is whole again."""
    lost, back = sdk.times("connecting"), sdk.times("connected")
    cable.cut()
    await until(lambda: sdk.times("connecting") > lost)
    for number in range(messages):
        await member.say(room_id, f"missed {number}")
    cable.mend()
    await until(lambda: sdk.times("connected") > back)


@pytest.mark.parametrize("own", [False, True], ids=["subscribed by the server", "subscribed by itself"])
async def test_cut_off_it_comes_back_and_has_every_message_once_in_order(
    node: Node, ada: Member, bob: Member, own: bool
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    channel = f"room:{room_id}"
    async with cable_to(node.port) as cable, using(cable.port, bob.token) as sdk:
        await sdk.connect()
        if own:
            await sdk.subscribe(channel)
        talking = True

        def heard() -> list[int]:
            return sdk.heard_itself(channel) if own else sdk.heard(channel)

        async def talk() -> None:
            while talking:
                await ada.say(room_id, "talk")

        async with asyncio.TaskGroup() as group:
            group.create_task(talk())
            for turn in range(4):
                before = len(heard())
                await until(lambda: len(heard()) > before + 5)  # noqa: B023
                await cut_off_while(cable, sdk, ada, room_id, messages=10 * turn)
            talking = False
        last = int(str((await ada.say(room_id, "the end"))["seq"]))
        await until(lambda: last in heard())
        assert cable.connected == 5
        assert heard() == list(range(heard()[0], last + 1))
        assert [ctx.recovered for ctx in sdk.subscriptions(channel, own=own)] == [False, True, True, True, True]


async def test_what_it_sent_and_was_not_answered_it_sends_again_and_it_is_there_once(
    node: Node, ada: Member, bob: Member
) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    async with cable_to(node.port) as cable, using(cable.port, ada.token, timeout=0.5) as sdk:
        await sdk.connect()
        sent = [message(str(number)) for number in range(40)]
        for number, data in enumerate(sent):
            if number % 10 == 5:
                asyncio.get_running_loop().call_later(0.002, cable.cut)
                asyncio.get_running_loop().call_later(0.05, cable.mend)
            while True:
                try:
                    await sdk.client.publish(channel, data)
                    break
                except (CentrifugeError, TimeoutError):
                    await sdk.client.ready()
    events = await ada.events(room_id)
    assert [event["body"] for event in events[1:]] == [data["body"] for data in sent]


async def test_it_is_told_when_it_missed_too_much(start: Start) -> None:
    async with start(recover_events=5) as node, enrol(node, "Ada") as ada, cable_to(node.port) as cable:
        room_id = await ada.make_room()
        channel = f"room:{room_id}"
        async with using(cable.port, ada.token) as sdk:
            await sdk.connect()
            await sdk.subscribe(channel)
            await cut_off_while(cable, sdk, ada, room_id, messages=6)
            await until(lambda: len(sdk.subscriptions(channel, own=True)) == 2)
            again = sdk.subscriptions(channel, own=True)[1]
            assert again.was_recovering is True
            assert again.recovered is False
            assert again.stream_position.offset == 7
            assert sdk.heard_itself(channel) == []


async def test_rooms_come_and_go_while_it_is_connected(node: Node, ada: Member) -> None:
    async with using(node.port, ada.token) as sdk:
        await sdk.connect()
        room_id = await ada.make_room()
        channel = f"room:{room_id}"
        await until(lambda: sdk.subscriptions(channel, own=False))
        await ada.say(room_id, "hello")
        await until(lambda: sdk.heard(channel) == [2])
        await ada.leave(room_id)
        await until(lambda: sdk.times("unsubscribed"))
        await ada.join(room_id)
        await until(lambda: len(sdk.subscriptions(channel, own=False)) == 2)


async def test_it_is_told_who_comes_and_goes_if_it_asks(node: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    channel = f"room:{room_id}"
    async with using(node.port, ada.token) as sdk:
        await sdk.connect()
        await sdk.subscribe(channel, join_leave=True)
        await until(lambda: ("join", str(ada.id)) in sdk.comings_and_goings(channel))  # itself: others are told now
        async with using(node.port, bob.token) as his:
            await his.connect()
            await until(lambda: sdk.comings_and_goings(channel)[-1] == ("join", str(bob.id)))
        await until(lambda: sdk.comings_and_goings(channel)[-1] == ("leave", str(bob.id)))


async def test_after_its_session_is_revoked_it_stays_away(node: Node, ada: Member) -> None:
    async with cable_to(node.port) as cable, using(cable.port, ada.token) as sdk:
        await sdk.connect()
        await ada.http.delete("/api/v1.0/session")
        await until(lambda: sdk.times("disconnected"))
        assert next(ctx.code for name, ctx in sdk.happened if name == "disconnected") == 3503
        await asyncio.sleep(0.5)  # more than twice the longest delay before it would come back
        assert sdk.client.state is ClientState.DISCONNECTED
        assert cable.connected == 1


async def test_it_stays_connected_as_long_as_it_answers_pings(start: Start) -> None:
    async with (
        start(socket_ping_s=0.4, socket_pong_s=0.3) as node,
        enrol(node, "Ada") as ada,
        using(node.port, ada.token, max_server_ping_delay=0.5) as sdk,
    ):
        await sdk.connect()
        await asyncio.sleep(2.0)  # five pings, and more than it would wait without any
        assert sdk.times("connecting") == 1
        assert "rooms" in (await sdk.client.rpc("rooms.mine", {})).data
