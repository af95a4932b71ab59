"""A port that stops: it tells everybody, lets nobody in, and leaves nothing behind."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from folkmoot.realtime import connections as connections_module
from folkmoot.realtime.codes import SHUTDOWN
from folkmoot.realtime.frames import text_frame
from folkmoot.realtime.port import Handshake, Receiver
from tests.realtime.handshakes import refusal
from tests.realtime.support import (
    CLOSE,
    LIMITS,
    PATIENCE_S,
    TEXT,
    Echo,
    Frame,
    Raw,
    close_frame,
    serving,
    tasks,
    upgrade,
)


async def test_a_drain_tells_everybody_and_lets_nobody_in() -> None:
    async with serving() as node:
        clients = [await Raw.connect(node.port) for _ in range(30)]
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=0.3))

        async def leave(client: Raw) -> int:
            said = await client.read()
            assert said.opcode == CLOSE
            client.write(close_frame(said.code))
            assert await client.reader.read() == b""
            await client.leave()
            return said.code

        assert {await leave(client) for client in clients} == {3001}
        await drain
        assert [receiver.told for receiver in node.receivers] == [["connected", "disconnected"]] * 30
        assert {receiver.close for receiver in node.receivers} == {SHUTDOWN}
        assert (await refusal(node, upgrade()))["status"] == 503


async def test_a_drain_of_many_is_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "_FREELY_PER_S", 10)
    async with serving() as node:
        loop = asyncio.get_running_loop()
        clients = [await Raw.connect(node.port) for _ in range(10)]
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=1.0))
        began = loop.time()

        async def closed_after(client: Raw) -> float:
            await client.read()
            after = loop.time() - began
            client.write(close_frame(1000))
            await client.leave()
            return after

        moments = sorted(await asyncio.gather(*map(closed_after, clients)))
        await drain
        assert moments[-1] - moments[0] > 0.4
        assert max(b - a for a, b in pairwise(moments)) < 0.5, "some are in the middle"


async def test_a_drain_of_few_takes_no_longer_than_it_must() -> None:
    async with serving() as node:
        clients = [await Raw.connect(node.port) for _ in range(5)]
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=20))
        async with asyncio.timeout(5):
            for client in clients:
                assert (await client.read()).code == 3001
                client.write(close_frame(3001))
                await client.leave()
            await drain


async def test_who_waits_for_an_answer_gets_it_before_the_drain_closes() -> None:
    async with serving() as node:
        busy, idle = await Raw.connect(node.port), await Raw.connect(node.port)
        receiver = node.receivers[0]
        receiver.is_busy = True
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=0))
        assert (await idle.read()).code == 3001
        busy.send(TEXT, b"too late")
        await asyncio.sleep(0.1)
        assert receiver.messages == [], "nothing more is taken"
        receiver.connection.send(text_frame(b"the answer"))
        receiver.is_busy = False
        assert await busy.read() == Frame(TEXT, b"the answer")
        assert (await busy.read()).code == 3001
        for client in (busy, idle):
            client.write(close_frame(3001))
            await client.leave()
        await drain


async def test_a_drain_does_not_wait_for_an_answer_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "_FINISH_S", 0.2)
    async with serving() as node:
        client = await Raw.connect(node.port)
        node.receivers[0].is_busy = True
        drain = asyncio.create_task(node.connections.drain(SHUTDOWN, within_s=0))
        assert (await client.read()).code == 3001
        client.write(close_frame(3001))
        await client.leave()
        await drain


async def test_a_drain_does_not_wait_for_who_never_answers() -> None:
    async with serving(limits=replace(LIMITS, close_s=0.2)) as node:
        clients = [await Raw.connect(node.port) for _ in range(3)]
        async with asyncio.timeout(PATIENCE_S):
            await node.connections.drain(SHUTDOWN, within_s=0)
        assert len(node.connections) == 0
        for client in clients:
            assert await client.end() == 3001
            await client.leave()


async def test_who_is_at_the_gate_when_the_node_stops_is_sent_away() -> None:
    let_go = asyncio.Event()

    async def gate(handshake: Handshake) -> Receiver:
        await let_go.wait()
        return Echo()

    async with serving(gate) as node:
        client = await Raw.dial(node.port)
        client.write(upgrade())
        while not node.door.at_the_gate:
            await asyncio.sleep(0.005)
        await node.connections.drain(SHUTDOWN, within_s=0)
        let_go.set()
        assert (await client.answer()).status == 503
        await client.leave()


async def test_stopping_ends_what_is_still_open_and_every_task() -> None:
    before = tasks()
    async with serving() as node:
        clients = [await Raw.connect(node.port) for _ in range(5)]
    assert [receiver.told for receiver in node.receivers] == [["connected", "disconnected"]] * 5
    assert tasks() <= before
    for client in clients:
        await client.leave()
