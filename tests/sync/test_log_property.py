"""Any interleaving of sends, retries and reconnects gives each member the same gapless sequence."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

import pytest
import uvloop
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from folkmoot.app import Node
from folkmoot.realtime import subscribing
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import LoggedNamespace
from folkmoot.realtime.client import Client
from folkmoot.realtime.hub import Channel, Hub, Listener
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import Wire, wired
from tests.sync.readers import Anomaly, Reader, check_sequences

WRITERS = 3
READERS = 4


@dataclass(frozen=True)
class Step:
    """One thing that happens. `who` is a writer or a reader, `where` a node, `what` one of the messages sent so far."""

    kind: Literal["send", "retry", "vanish", "come back", "wait"]
    who: int
    where: int
    what: int


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(("send", "send", "send", "retry", "vanish", "come back", "wait")),
        st.integers(0, 11),
        st.integers(0, 1),
        st.integers(0, 1_000),
    ),
    min_size=10,
    max_size=60,
)


@dataclass
class Town:
    """Two nodes, a writing member and a reading one, and sockets to write on."""

    nodes: tuple[Node, Node]
    writer: Member
    reader: Member
    wires: tuple[Wire, Wire]
    loop: asyncio.AbstractEventLoop

    def run(self, scenario: Awaitable[None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await scenario

        self.loop.run_until_complete(bounded())


@asynccontextmanager
async def a_town(start: Start, loop: asyncio.AbstractEventLoop) -> AsyncIterator[Town]:
    busy = {"sockets_per_user": 1_000}
    async with (
        start(**busy) as one,
        start(**busy) as two,
        enrol(one, "Writer") as writer,
        enrol(one, "Reader") as reader,
        wired(one.port, writer.token) as here,
        wired(two.port, writer.token) as there,
    ):
        yield Town((one, two), writer, reader, (here, there), loop)


@pytest.fixture(scope="module")
def town(start: Start) -> Iterator[Town]:
    """On a loop of its own, which stands still between two examples."""
    loop = uvloop.new_event_loop()
    making = a_town(start, loop)
    yield loop.run_until_complete(making.__aenter__())
    loop.run_until_complete(making.__aexit__(None, None, None))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@dataclass
class Scenario:
    """The steps in a room of their own, and what became of them."""

    town: Town
    room_id: int
    readers: list[Reader]
    sent: list[dict[str, str]] = field(default_factory=list)
    sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, step: Step) -> None:
        reader = self.readers[step.who % READERS]
        port = self.town.nodes[step.where].port
        if step.kind == "send":
            self.sent.append({"body": f"{step.who % WRITERS}: {len(self.sent)}", "client_id": str(uuid4())})
            self._send(step.where, self.sent[-1])
        elif step.kind == "retry" and self.sent:
            self._send(step.where, self.sent[step.what % len(self.sent)])
        elif step.kind == "vanish":
            await reader.lose()
        elif step.kind == "come back":
            await reader.come_back(port)
        else:
            await asyncio.sleep(step.what / 100_000)

    def _send(self, where: int, data: dict[str, str]) -> None:
        wire = self.town.wires[where]
        task = asyncio.create_task(_publish(wire, f"room:{self.room_id}", data))
        self.sending.add(task)

    async def finish(self) -> None:
        """Everybody comes back and reads to the end; then the log and what they saw are compared."""
        await asyncio.gather(*self.sending)
        log = await _whole_log(self.town.writer, self.room_id)
        head = 2 + len(self.sent)
        assert [seq for seq, _ in log] == list(range(1, head + 1)), "each message is there once, retries or not"
        assert {body for _, body in log[2:]} == {data["body"] for data in self.sent}
        for number, reader in enumerate(self.readers):
            await reader.come_back(self.town.nodes[number % 2].port)
            await reader.reaches(head)
            await reader.lose()
        check_sequences(self.readers, dict(log), head)


async def _publish(wire: Wire, channel: str, data: dict[str, str]) -> None:
    await wire.do("publish", channel=channel, data=data)


async def _whole_log(member: Member, room_id: int) -> list[tuple[int, object]]:
    page = (await member.http.get(f"/api/v1.0/rooms/{room_id}/events?after=0&limit=200")).json()
    assert not page["more"]
    return [(event["seq"], event["body"]) for event in page["events"]]


async def play(town: Town, script: Sequence[Step]) -> None:
    room_id = await town.writer.make_room()
    await town.reader.join(room_id)
    scenario = Scenario(town, room_id, [Reader(town.reader.token, room_id) for _ in range(READERS)])
    for number, reader in enumerate(scenario.readers):
        await reader.come_back(town.nodes[number % 2].port)
    try:
        for step in script:
            await scenario.take(step)
        await scenario.finish()
    finally:
        await asyncio.gather(*scenario.sending, *(reader.lose() for reader in scenario.readers), return_exceptions=True)
        await town.writer.leave(room_id)
        await town.reader.leave(room_id)


@given(script=steps)
@examples(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_every_member_sees_the_same_gapless_sequence_whatever_happens(town: Town, script: list[Step]) -> None:
    town.run(play(town, script))


# -- the same check on servers that are broken on purpose

CONVERSATION = [Step("send", number, number % 2, 0) for number in range(30)]


def _alternating(*kinds: Literal["send", "vanish", "come back", "wait"]) -> list[Step]:
    return [Step(kinds[number % len(kinds)], number, number % 2, 300) for number in range(60)]


def test_the_check_notices_a_broker_that_loses_lines(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus is only a hint, and this broker trusts it: without the log, a lost line is a hole."""
    deliveries = 0

    def careless(broker: Broker, name: str, first: int, lines: list[bytes]) -> None:
        nonlocal deliveries
        deliveries += 1
        channel, stream = broker._hub.channels.get(name), broker._streams.get(name)
        if channel is None or stream is None or deliveries % 3 == 0:
            return
        stream.offset = max(stream.offset, first - 1)
        broker._advance(channel, stream, first, lines)

    monkeypatch.setattr(Broker, "_deliver", careless)
    with pytest.raises(Anomaly, match=r"poll-skip|unseen"):
        town.run(play(town, _alternating("send", "wait")))


def test_the_check_notices_a_hub_that_says_things_twice(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    say = Hub.say

    def stammer(hub: Hub, channel: Channel, first: int, lines: Sequence[bytes]) -> None:
        say(hub, channel, first, lines)
        say(hub, channel, first, lines)

    monkeypatch.setattr(Hub, "say", stammer)
    with pytest.raises(Anomaly, match="duplicate"):
        town.run(play(town, CONVERSATION))


def test_the_check_notices_a_recovery_that_forgets(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said while somebody enters is thrown away here."""
    catch_up, settle = subscribing._catch_up, Hub.settle

    async def interrupted(client: Client, namespace: LoggedNamespace, name: str, *more: Any) -> Any:
        """Something is said between the look at the log and the entrance, and has reached this node."""
        result = await catch_up(client, namespace, name, *more)
        if client.user_id == town.reader.id:
            await _publish(town.wires[0], name, {"body": "Meanwhile", "client_id": str(uuid4())})
            while not client.engine.hub.channels[name].entering[client].lines:
                await asyncio.sleep(0.001)
        return result

    def forgetful(hub: Hub, name: str, listener: Listener, after: int) -> list[bytes]:
        settle(hub, name, listener, after)
        return []

    monkeypatch.setattr(subscribing, "_catch_up", interrupted)
    monkeypatch.setattr(Hub, "settle", forgetful)
    with pytest.raises(Anomaly, match="poll-skip: 4 after 2"):
        town.run(_enter_and_listen(town))


async def _enter_and_listen(town: Town) -> None:
    room_id = await town.writer.make_room()
    await town.reader.join(room_id)
    reader = Reader(town.reader.token, room_id)
    await reader.come_back(town.nodes[0].port)
    await _publish(town.wires[0], f"room:{room_id}", {"body": "Afterwards", "client_id": str(uuid4())})
    await reader.reaches(4)
    await reader.lose()
    check_sequences([reader], dict(await _whole_log(town.writer, room_id)), head=4)
