"""The limits of a connection: peers that read slowly, peers that talk much, and peers that do nothing."""

import asyncio
import os
from dataclasses import replace

import pytest

from folkmoot.realtime import fanout
from folkmoot.realtime.codes import FORCE_DISCONNECT, SLOW
from folkmoot.realtime.frames import text_frame
from tests.realtime.peers import Still, opened
from tests.realtime.support import (
    CLOSE,
    LIMITS,
    PATIENCE_S,
    PONG,
    TEXT,
    Frame,
    close_frame,
    frame,
    serving,
)
from tests.realtime.wire import until


async def test_frames_keep_their_order_whatever_the_socket_takes() -> None:
    async with serving(limits=replace(LIMITS, queue_bytes=64 << 20)) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        count = 3_000
        for number in range(count):
            receiver.connection.send(text_frame(str(number).encode() * (number % 700)))
            if number % 100 == 0:
                await asyncio.sleep(0)
        assert receiver.connection.queued_bytes > 0
        for number in range(count):
            assert (await client.read()).payload == str(number).encode() * (number % 700)
        await client.leave()


async def test_a_slow_reader_is_closed_and_its_memory_is_free() -> None:
    limits = replace(LIMITS, queue_bytes=100_000, close_s=0.3)
    async with serving(receiver=Still, limits=limits) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        other, other_receiver = await opened(node)
        connection = receiver.connection
        message = text_frame(b"x" * 10_000)
        while connection.is_open:
            connection.send(message)
            assert connection.queued_bytes <= 100_000
            await asyncio.sleep(0)
        assert await node.gone(receiver) == SLOW
        assert connection.queued_bytes == 0
        assert node.connections.closed == {3008: 1}
        other_receiver.connection.send_text(b"unharmed")
        assert (await other.read()).payload == b"unharmed"
        await client.leave()
        await other.leave()


async def test_a_slow_reader_that_catches_up_reads_why_it_was_closed() -> None:
    async with serving(receiver=Still, limits=replace(LIMITS, queue_bytes=100_000)) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        while receiver.connection.is_open:
            receiver.connection.send(text_frame(b"x" * 10_000))
        frames: list[Frame] = []
        while not frames or frames[-1].opcode != CLOSE:
            frames.append(await client.read())
        assert frames[-1].code == 3008
        assert {said.payload for said in frames[:-1]} == {b"x" * 10_000}
        client.write(close_frame(3008))
        assert await node.gone(receiver) == SLOW
        await client.leave()


async def test_one_frame_larger_than_the_queue_reaches_a_reader_that_keeps_up() -> None:
    async with serving(limits=replace(LIMITS, queue_bytes=10_000)) as node:
        client, receiver = await opened(node)
        receiver.connection.send_text(b"x" * 5_000_000)
        assert (await client.read()).payload == b"x" * 5_000_000
        assert receiver.connection.is_open
        await client.leave()


async def test_what_is_sent_soon_goes_first_and_with_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []

    def counted(descriptor: int, data: bytes) -> int:
        writes.append(len(data))
        return os.write(descriptor, data)

    monkeypatch.setattr(fanout, "write", counted)
    async with serving() as node:
        client, receiver = await opened(node)
        connection = receiver.connection
        for answer in (b"1", b"2"):
            connection.send_soon(text_frame(answer))
        fanout.fan_out([connection], text_frame(b"3"), is_kept=True)
        connection.send(text_frame(b"4"))
        connection.send_soon(text_frame(b"5"))
        assert writes == [9, 3]
        assert [(await client.read()).payload for _ in range(5)] == [b"1", b"2", b"3", b"4", b"5"]
        assert writes == [9, 3, 3]
        await client.leave()


async def test_what_is_sent_soon_is_said_before_a_close_and_not_after_the_end() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        receiver.connection.send_soon(text_frame(b"last"))
        receiver.connection.close(SLOW)
        receiver.connection.send_soon(text_frame(b"too late"))
        assert (await client.read()).payload == b"last"
        assert (await client.read()).code == 3008
        client.abort()


async def test_what_is_sent_soon_waits_for_a_slow_reader_like_all_else() -> None:
    async with serving(receiver=Still, limits=replace(LIMITS, queue_bytes=100_000)) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        connection = receiver.connection
        while connection.queued_bytes == 0:
            connection.send(text_frame(b"first" * 1_000))
        connection.send_soon(text_frame(b"second"))
        connection.send(text_frame(b"third"))
        said = [(await client.read()).payload]
        while said[-1] != b"third":
            said.append((await client.read()).payload)
        assert said[-2:] == [b"second", b"third"]
        assert set(said[:-2]) == {b"first" * 1_000}
        await until(lambda: connection.is_clear)
        client.abort()


async def test_what_may_be_lost_is_lost_at_half_the_queue() -> None:
    async with serving(receiver=Still, limits=replace(LIMITS, queue_bytes=100_000)) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        connection = receiver.connection
        assert connection.send_ephemeral(text_frame(b"typing"))
        while connection.queued_bytes <= 50_000:
            connection.send(text_frame(b"x" * 10_000))
        assert not connection.send_ephemeral(text_frame(b"typing"))
        assert node.connections.dropped == 1
        assert connection.is_open
        client.abort()


async def test_a_peer_that_does_not_read_is_not_read_from() -> None:
    async with serving(limits=replace(LIMITS, queue_bytes=100 << 20)) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        message = frame(TEXT, b"x" * 10_000)
        for _ in range(3_000):
            client.write(message)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        taken = len(receiver.messages)
        assert receiver.connection.queued_bytes < 1_000_000
        assert taken < 200
        assert receiver.connection.is_open
        while len(receiver.messages) < 3_000:
            assert (await client.read()).payload == b"x" * 10_000
        client.abort()


async def test_a_receiver_can_stop_the_peer_for_a_while() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        receiver.connection.pause_reading()
        client.send(TEXT, b"wait")
        await asyncio.sleep(0.05)
        assert receiver.messages == []
        receiver.connection.resume_reading()
        assert (await client.read()).payload == b"wait"
        await client.leave()


async def test_a_stopped_peer_can_be_closed() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        receiver.connection.pause_reading()
        receiver.connection.close(FORCE_DISCONNECT)
        assert (await client.read()).code == 3503
        client.write(close_frame(3503))
        assert await client.end() is None
        assert await node.gone(receiver) == FORCE_DISCONNECT
        await client.leave()


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not() -> None:
    async with serving(limits=replace(LIMITS, idle_s=1.0)) as node:
        idle, idle_receiver = await opened(node)
        talking, _ = await opened(node)
        listening, listening_receiver = await opened(node)

        async def keep_busy() -> None:
            while True:
                talking.send(PONG)
                listening_receiver.connection.send_text(b"x")
                await asyncio.sleep(0.05)

        busy = asyncio.create_task(keep_busy())
        assert (await idle.read()).code == 3000
        idle.write(close_frame(3000))
        await node.gone(idle_receiver)
        await asyncio.sleep(1.0)
        assert len(node.connections) == 2
        busy.cancel()
        await asyncio.wait([busy])
        for client in (idle, talking, listening):
            await client.leave()


async def test_a_peer_that_shuts_its_side_but_does_not_read_is_not_kept() -> None:
    limits = replace(LIMITS, queue_bytes=16 << 20, idle_s=0.4, close_s=0.2)
    async with serving(receiver=Still, limits=limits) as node:
        client, receiver = await opened(node, receive_bytes=4_096)
        receiver.connection.send_text(b"x" * 8_000_000)
        client.writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            await receiver.gone.wait()
        client.abort()
