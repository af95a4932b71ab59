"""Two nodes on one Redis are one server."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Wire, wired
from tests.sync.readers import Reader, check_sequences


@pytest.fixture
async def other(start: Start) -> AsyncIterator[Node]:
    async with start() as started:
        yield started


async def test_messages_cross_between_nodes_both_ways(node: Node, other: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port, ada.token) as hers, wired(other.port, bob.token) as his:
        await hers.post(room_id, "from here")
        assert (await his.expect_event(room_id, 3))["body"] == "from here"
        await his.post(room_id, "from there")
        assert (await hers.expect_event(room_id, 4))["body"] == "from there"


async def test_typing_and_presence_are_the_same_on_both(node: Node, other: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with wired(node.port, ada.token) as hers, wired(other.port, bob.token) as his:
        await his.subscribe(f"typing:{room_id}")
        await hers.do("publish", channel=f"typing:{room_id}", data={"typing": True})
        assert (await his.expect_push(channel=f"typing:{room_id}"))["pub"]["data"] == {"typing": True}
        async with asyncio.timeout(10):  # what is new is told twice a second
            for wire in (hers, his):
                stats = {"num_clients": 2, "num_users": 2}
                while await wire.do("presence_stats", channel=f"room:{room_id}") != stats:
                    await asyncio.sleep(0.05)


async def test_a_node_that_stops_sends_its_sockets_to_the_other(start: Start, node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    async with start() as stopping:
        wire = await Wire.open(stopping.port)
        seen = (await wire.connect(ada.token))["subs"][f"room:{room_id}"]
        sending = asyncio.create_task(ada.say(room_id, "in between"))
    assert await wire.expect_close() == 3001
    await sending
    async with wired(node.port) as again:
        position = {"recover": True, "offset": seen["offset"], "epoch": seen["epoch"]}
        sub = (await again.connect(ada.token, subs={f"room:{room_id}": position}))["subs"][f"room:{room_id}"]
        assert [pub["offset"] for pub in sub["publications"]] + [pub["offset"] for pub in wire.of(room_id)] == [
            seen["offset"] + 1
        ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_twenty_writers_on_both_nodes_make_one_gapless_sequence_for_every_reader(
    node: Node, other: Node, ada: Member, seed: int
) -> None:
    """Readers on both nodes, which lose their connections at random."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    nodes = (node, other)
    room_id = await ada.make_room()
    writing = True

    async def write(number: int) -> list[str]:
        async with wired(nodes[number % 2].port, ada.token) as wire:
            bodies = [f"{number}.{turn}" for turn in range(20)]
            for body in bodies:
                await wire.post(room_id, body)
        return bodies

    async def read(reader: Reader) -> None:
        while writing:
            await reader.come_back(chance.choice(nodes).port)
            await asyncio.sleep(chance.random() * 0.15)
            await reader.lose()

    async with enrol(node, "Reader") as member:
        await member.join(room_id)
        readers = [Reader(member.token, room_id) for _ in range(6)]
        for reader in readers:
            await reader.come_back(node.port)
        async with asyncio.TaskGroup() as group:
            for reader in readers:
                group.create_task(read(reader))
            # Half of the writers each as somebody else, so that no limit of sockets is in the way.
            written = await asyncio.gather(*(write(number) for number in range(10)))
            written += await asyncio.gather(*(write(number) for number in range(10, 20)))
            writing = False
        sent = {body for bodies in written for body in bodies}
        head = 2 + len(sent)
        for reader in readers:
            await reader.come_back(chance.choice(nodes).port)
            await reader.reaches(head)
            await reader.lose()
    log = (await _whole_log(ada, room_id))[2:]
    assert {event["body"] for event in log} == sent
    check_sequences(readers, {event["seq"]: event["body"] for event in log}, head)
    for number in range(20):
        own = [str(event["body"]) for event in log if str(event["body"]).startswith(f"{number}.")]
        assert own == [f"{number}.{turn}" for turn in range(20)], "the order of a sender is kept"


async def _whole_log(member: Member, room_id: int) -> list[dict[str, Any]]:
    events: list[dict[str, object]] = []
    while True:
        query = {"after": len(events), "limit": 200}
        page = (await member.http.get(f"/api/v1.0/rooms/{room_id}/events", params=query)).json()
        events += page["events"]
        if not page["more"]:
            return events
