"""R06: what a client holds after the events it was shown is what a fresh one would be given, after every action.

A client holds its rooms: their names, their logs, and who is in them. It asks for a room when it is let in, and from
then on it is told. Read positions are not told to anybody: a client asks for them when it needs them.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from folkmoot.actions import Registry
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Line, Wire

MODULES = ("folkmoot.modules.rooms", "folkmoot.modules.messages")


@dataclass
class Held:
    """What a client holds of one room."""

    name: str
    log: dict[int, str] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)

    def take(self, publication: Line) -> None:
        event = publication["data"]
        self.log[publication["offset"]] = json.dumps(event)
        if event["kind"] in ("created", "joined"):
            self.members.add(event["author"]["id"])
        elif event["kind"] == "left":
            self.members.discard(event["author"]["id"])


class Holder:
    """Somebody's client, which knows nothing but what it asked for once and what it was told since."""

    def __init__(self, member: Member, wire: Wire) -> None:
        self.member = member
        self.wire = wire
        self.rooms: dict[int, Held] = {}
        self._read = 0

    @classmethod
    @asynccontextmanager
    async def of(cls, member: Member, port: int) -> AsyncIterator["Holder"]:
        wire = await Wire.open(port)
        holder = cls(member, wire)
        try:
            welcome = await wire.connect(member.token)
            for channel in welcome.get("subs", {}):
                await holder.be_let_in(channel)
            yield holder
        finally:
            await wire.leave()

    async def be_let_in(self, channel: str) -> None:
        """Asks for a room, and counts on being told what happens there from now on."""
        room_id = int(channel.partition(":")[2])
        self.rooms[room_id] = (await fresh(self.wire, [room_id]))[room_id]

    async def catch_up(self) -> None:
        """Takes what it was told since the last time."""
        while self._read < len(self.wire.pushes):
            push = self.wire.pushes[self._read]
            self._read += 1
            room_id = int(push["channel"].partition(":")[2])
            if "subscribe" in push:
                await self.be_let_in(push["channel"])
            elif "unsubscribe" in push:
                self.rooms.pop(room_id, None)
            elif "pub" in push and room_id in self.rooms:
                self.rooms[room_id].take(push["pub"])

    async def agrees(self) -> None:
        """What it holds becomes what a fresh client is given."""
        async with Holder.of(self.member, self.member.node.port) as other:
            expected = other.rooms
        heads = {room_id: max(held.log) for room_id, held in expected.items()}

        async with asyncio.timeout(10):
            while {room_id: max(held.log) for room_id, held in self.rooms.items()} != heads:
                await asyncio.sleep(0.005)
                await self.catch_up()
        assert self.rooms == expected


async def fresh(wire: Wire, room_ids: list[int]) -> dict[int, Held]:
    """What the server gives somebody who holds nothing."""
    found = {}
    for room_id in room_ids:
        page = await wire.rpc("messages.history", room_id=room_id, after=0, limit=1000)
        members = await wire.rpc("rooms.members", room_id=room_id)
        room = await wire.rpc("rooms.get", room_id=room_id)
        log = {event["seq"]: json.dumps(event) for event in page["events"]}
        found[room_id] = Held(room["name"], log, {member["person"]["id"] for member in members["members"]})
    return found


class Town:
    """Three people on two nodes, what they do, and what each of their clients holds."""

    def __init__(self, holders: Sequence[Holder], chance: random.Random) -> None:
        self.holders = holders
        self.chance = chance
        self.done: set[str] = set()

    async def do(self, who: int, method: str, **data: Any) -> Any:
        """One action, by socket; then everybody holds what is so now."""
        self.done.add(method)
        result = await self.holders[who].wire.rpc(method, **data)
        for holder in self.holders:
            await holder.agrees()
        return result

    async def do_anything(self) -> None:
        """Something that somebody may do now."""
        who = self.chance.randrange(len(self.holders))
        mine, everywhere = list(self.holders[who].rooms), [room for each in self.holders for room in each.rooms]
        if not mine or self.chance.random() < 0.1:
            await self.do(who, "rooms.create", name=self.chance.choice("ABC"), topic="", visibility="open")
            return
        room_id = self.chance.choice(mine)
        somebody = self.chance.choice(self.holders).member.id
        doings: list[tuple[str, dict[str, Any]]] = [
            ("messages.send", {"room_id": room_id, "body": "Hello", "client_id": str(uuid4())}),
            ("rooms.join", {"room_id": self.chance.choice(everywhere)}),
            ("rooms.add", {"room_id": room_id, "user_id": somebody}),
            ("rooms.leave", {"room_id": room_id}),
        ]
        method, data = self.chance.choice(doings)
        await self.do(who, method, **data)


@asynccontextmanager
async def a_town(start: Start, seed: int) -> AsyncIterator[Town]:
    async with (
        start() as one,
        start() as two,
        enrol(one, "Ada") as ada,
        enrol(one, "Bob") as bob,
        enrol(one, "Cleo") as cleo,
    ):
        for member in (ada, bob, cleo):
            for room in (await member.http.get("/api/v1.0/rooms")).json()["rooms"]:
                await member.leave(room["id"])  # where everybody is whom other tests have made
        async with (
            Holder.of(ada, one.port) as hers,
            Holder.of(bob, two.port) as his,
            Holder.of(cleo, two.port) as the_third,
        ):
            yield Town((hers, his, the_third), random.Random(seed))  # noqa: S311 - chance, not secrecy


async def test_after_each_action_what_was_told_is_what_a_fresh_client_is_given(start: Start) -> None:
    async with a_town(start, seed=1) as town:
        room = {"room_id": (await town.do(0, "rooms.create", name="Garden", topic="", visibility="open"))["id"]}
        bob = town.holders[1].member.id
        await town.do(0, "messages.send", **room, body="Hello", client_id=str(uuid4()))
        await town.do(2, "rooms.directory")
        await town.do(2, "rooms.join", **room)
        await town.do(2, "rooms.add", **room, user_id=bob)
        await town.do(1, "messages.mark_read", **room, seq=3)
        await town.do(1, "messages.history", **room)
        await town.do(1, "rooms.get", **room)
        await town.do(1, "rooms.members", **room)
        await town.do(0, "rooms.leave", **room)
        await town.do(0, "rooms.mine")
        await town.do(1, "messages.send", **room, body="Is she gone?", client_id=str(uuid4()))
        assert town.done >= set(Registry(MODULES).actions), "each action of rooms is among them"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_same_after_any_of_them_in_any_order(start: Start, seed: int) -> None:
    async with a_town(start, seed) as town:
        for _ in range(20):
            await town.do_anything()


async def test_a_client_that_was_not_told_would_be_found_out(start: Start) -> None:
    async with a_town(start, seed=1) as town:
        await town.do(0, "rooms.create", name="Garden", topic="", visibility="open")
        (held,) = town.holders[0].rooms.values()
        held.members.clear()
        with pytest.raises(AssertionError):
            await town.holders[0].agrees()
