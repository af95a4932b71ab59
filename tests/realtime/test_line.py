"""Clients come in a few at a time, in order, and whoever would wait too long is told so at once."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from folkmoot.realtime import accepting, line
from folkmoot.realtime.accepting import Acceptor
from folkmoot.realtime.handshake import Refused
from folkmoot.realtime.line import Line
from folkmoot.realtime.protocol import Refusal
from folkmoot.realtime.turns import Turns
from tests.conftest import Start
from tests.people import enrol
from tests.realtime.support import TEXT, Echo, Frame, Raw, serving, upgrade
from tests.realtime.wire import until, wired


class Visit:
    """Somebody inside, until they are told to go."""

    def __init__(self, line: Line) -> None:
        self.is_in = False
        self.go = asyncio.Event()
        self.task = asyncio.create_task(self._visit(line))

    async def _visit(self, line: Line) -> None:
        async with line:
            self.is_in = True
            await self.go.wait()


async def test_no_more_than_a_few_are_inside_and_the_first_come_first() -> None:
    waits = Line(inside=2)
    visits = [Visit(waits) for _ in range(5)]
    await asyncio.sleep(0)
    assert [visit.is_in for visit in visits] == [True, True, False, False, False]
    visits[2].task.cancel()
    visits[1].go.set()
    await until(lambda: visits[3].is_in)
    assert [visit.is_in for visit in visits] == [True, True, False, True, False]
    for visit in visits:
        visit.go.set()
    await asyncio.gather(*(visit.task for visit in visits), return_exceptions=True)
    assert waits._free == 2


async def test_whoever_leaves_in_the_moment_of_their_turn_passes_it_on() -> None:
    waits = Line(inside=1)
    inside, unlucky, last = Visit(waits), Visit(waits), Visit(waits)
    await asyncio.sleep(0)
    inside.go.set()
    while len(waits._inside) == 2:
        await asyncio.sleep(0)
    unlucky.task.cancel()
    await until(lambda: last.is_in)
    last.go.set()
    await last.task
    assert waits._free == 1


async def test_nobody_stands_for_ever() -> None:
    waits = Line(inside=1, longest_s=0.05)
    inside = Visit(waits)
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        async with waits:
            pass
    assert (refused.value.code, refused.value.temporary) == (111, True)
    inside.go.set()
    await inside.task
    assert waits._free == 1


async def test_handshakes_are_a_few_a_turn_and_wait_while_many_are_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "BREATH_S", 0.2)
    waits = Line(inside=1)
    outside = [waits.come_to_the_door() for _ in range(line.A_TURN * 3)]
    visits = [Visit(waits)]
    await until(lambda: any(turn.done() for turn in outside))
    assert sum(turn.done() for turn in outside) == line.A_TURN
    visits.append(Visit(waits))
    await asyncio.sleep(0.3)
    assert sum(turn.done() for turn in outside) == line.A_TURN, "one is inside and one waits there"
    for visit in visits:
        visit.go.set()
    await asyncio.wait_for(asyncio.gather(*outside), 2.0)


async def test_whoever_stood_outside_too_long_is_refused_and_the_others_are_not() -> None:
    waits = Line(inside=1, patience_s=0.1)
    visits = [Visit(waits) for _ in range(2)]
    await asyncio.sleep(0)
    early = [waits.come_to_the_door() for _ in range(line.A_TURN * 2)]
    await asyncio.sleep(0.05)
    late = waits.come_to_the_door()
    assert not any(turn.done() for turn in early), "not at once"
    await until(lambda: all(turn.done() for turn in early))
    for turn in early:
        assert isinstance(refused := turn.exception(), Refused)
        assert (refused.status, refused.retry_after_s) == (503, 1)
    assert not late.done()
    for visit in visits:
        visit.go.set()
    await late


async def test_not_everybody_in_the_world_may_stand_outside() -> None:
    waits = Line(inside=1, most=2)
    visits = [Visit(waits) for _ in range(2)]
    await asyncio.sleep(0)
    turns = [waits.come_to_the_door() for _ in range(2)]
    with pytest.raises(Refused) as refused:
        waits.come_to_the_door()
    assert refused.value.status == 503
    for visit in visits:
        visit.go.set()
    await asyncio.gather(*turns)


async def test_work_is_shared_out_over_turns_and_faults_stop_nothing(caplog: pytest.LogCaptureFixture) -> None:
    turns, done = Turns(2), list[int]()

    def work(number: int) -> None:
        done.append(number)
        if number == 1:
            raise RuntimeError("no")
        if number == 4:
            turns.add(lambda: work(100))

    for number in range(5):
        turns.add(lambda number=number: work(number))  # type: ignore[misc]
    seen = []
    while len(turns):
        await asyncio.sleep(0)
        seen.append(len(done))
    assert done == [0, 1, 2, 3, 4, 100]
    assert max(after - before for before, after in pairwise([0, *seen])) == 2
    assert "Work of a turn failed" in caplog.text
    caplog.clear()


@asynccontextmanager
async def accepted(is_crowded: bool) -> AsyncIterator[tuple[list[float], int]]:
    """When each of fifty clients was taken, who all stood before the door; and the port."""
    taken: list[float] = []
    loop = asyncio.get_running_loop()

    class Guest(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            taken.append(loop.time())
            transport.close()

    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        port = listening.getsockname()[1]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        acceptor = Acceptor(listening.dup(), lambda peer: Guest(), lambda: is_crowded)
        try:
            yield taken, port
        finally:
            acceptor.close()
            await acceptor.wait_closed()
            for client in clients:
                client.close()


async def test_a_few_connections_are_taken_in_each_turn() -> None:
    async with accepted(is_crowded=False) as (taken, _):
        counts = []
        while len(taken) < 50:
            counts.append(len(taken))
            await asyncio.sleep(0)
        assert max(after - before for before, after in pairwise(counts)) <= accepting.A_TURN


async def test_they_are_taken_slowly_while_many_say_nothing() -> None:
    async with accepted(is_crowded=True) as (taken, _):
        await until(lambda: len(taken) == 50)
        assert taken[-1] - taken[0] > accepting.BREATH_S * 2


async def test_whoever_waits_too_long_is_refused_before_anything_was_done(start: Start) -> None:
    async with start() as node, enrol(node, "Ada") as ada:
        node.engine.line._patience_s = 0.1
        inside = [Visit(node.engine.line) for _ in range(line.INSIDE * 2)]
        await asyncio.sleep(0)
        for request in (upgrade("/connection/websocket"), b"GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n"):
            client = await Raw.dial(node.port)
            client.write(request)
            answer = await client.answer()
            if request.startswith(b"GET /api"):
                assert answer.status == 200, "requests do not stand in this line"
                client.write(upgrade("/connection/websocket"))
                answer = await client.answer()
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert await client.reader.read() == b"", "and hung up on"
            client.writer.close()
        for visit in inside:
            visit.go.set()
        await asyncio.gather(*(visit.task for visit in inside))
        assert node.connections.opened == 0
        async with wired(node.port) as wire:
            await wire.connect(ada.token)


async def test_whoever_waits_for_us_is_not_sent_away_for_being_late(start: Start) -> None:
    async with start(socket_connect_s=0.2, socket_ping_s=1.0) as node, enrol(node, "Ada") as ada:
        inside = [Visit(node.engine.line) for _ in range(line.INSIDE)]
        await asyncio.sleep(0)
        async with wired(node.port) as wire:
            asked = wire.command("connect", token=ada.token)
            await wire.say(asked)
            await asyncio.sleep(0.5)
            assert node.engine.heartbeat.strangers_at("127.0.0.1") == 1, "it is no more known than before"
            for visit in inside:
                visit.go.set()
            assert "connect" in await wire.reply(asked["id"])
        await asyncio.gather(*(visit.task for visit in inside))


async def test_whoever_could_not_be_heard_out_has_its_time_again(start: Start) -> None:
    async with start(socket_connect_s=0.3, socket_ping_s=1.0) as node, enrol(node, "Ada") as ada:
        node.engine.line._longest_s = 0.05
        inside = [Visit(node.engine.line) for _ in range(line.INSIDE)]
        await asyncio.sleep(0)
        async with wired(node.port) as wire:
            asked = wire.command("connect", token=ada.token)
            await wire.say(asked)
            error = (await wire.reply(asked["id"]))["error"]
            assert (error["code"], error["temporary"]) == (111, True)
            assert await wire.expect_close() == 3502
        for visit in inside:
            visit.go.set()
        await asyncio.gather(*(visit.task for visit in inside))


async def test_a_client_that_goes_on_talking_before_it_is_let_in_holds_little_memory() -> None:
    go_on = asyncio.Event()

    async def gate(handshake: object) -> Echo:
        await go_on.wait()
        return Echo()

    async with serving(gate) as node:
        client = await Raw.dial(node.port)
        client.write(upgrade())
        await asyncio.sleep(0.05)
        client.send(TEXT, b"too early")
        await asyncio.sleep(0.05)
        go_on.set()
        assert (await client.answer()).status == 101
        assert await client.read() == Frame(TEXT, b"too early")
        await client.leave()


async def test_whoever_says_nothing_is_let_go_when_the_server_stops() -> None:
    async with serving() as node:
        silent = await Raw.dial(node.port)
        await until(lambda: len(node.door.silent) == 1)
        await node.door.close()
        await until(lambda: not node.door.silent)
        assert await silent.reader.read() == b""
        silent.writer.close()
