"""One connection: the rules of RFC 6455, its closing, its limits, and what its receiver is told."""

import asyncio
import os
import struct
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.realtime import fanout
from folkmoot.realtime.codes import FORCE_DISCONNECT, SLOW, Close
from folkmoot.realtime.frames import text_frame
from tests.realtime.support import (
    BINARY,
    CLOSE,
    CONTINUATION,
    LIMITS,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    Echo,
    Frame,
    Node,
    Raw,
    close_frame,
    frame,
    serving,
    tasks,
    upgrade,
)
from tests.realtime.wire import until

LEGAL_CODES = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}


class Still(Echo):
    """Takes messages and answers nothing."""

    def received(self, message: bytes, is_text: bool) -> None:
        self.messages.append(message)


async def opened(node: Node, *, receive_bytes: int | None = None) -> tuple[Raw, Echo]:
    """A client, and what sits on its connection."""
    client = await Raw.connect(node.port, receive_bytes=receive_bytes)
    receiver: Echo = node.receivers[-1]
    return client, receiver


# -- messages


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 1_000, 65_535, 65_536])
async def test_a_message_of_any_size_is_one_message(opcode: int, size: int) -> None:
    async with serving() as node:
        client, _ = await opened(node)
        client.send(opcode, b"x" * size)
        assert await client.read() == Frame(opcode, b"x" * size)
        await client.leave()


async def test_a_message_in_pieces_is_one_message_with_pings_between() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        text = "ein paar Wörter 🎈".encode()
        client.send(TEXT, text[:10], fin=False)
        client.send(PING, b"still there?")
        for byte in text[10:]:
            client.send(CONTINUATION, bytes((byte,)), fin=False)
        client.send(CONTINUATION)
        assert await client.read() == Frame(PONG, b"still there?")
        assert await client.read() == Frame(TEXT, text)
        assert receiver.messages == [text]
        await client.leave()


async def test_frames_may_be_cut_anywhere() -> None:
    async with serving() as node:
        client, _ = await opened(node)
        data = frame(TEXT, b"one") + frame(TEXT, b"two" * 50) + frame(BINARY, b"three", fin=False) + frame(CONTINUATION)
        for byte in data:
            client.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert [await client.read() for _ in range(3)] == [
            Frame(TEXT, b"one"),
            Frame(TEXT, b"two" * 50),
            Frame(BINARY, b"three"),
        ]
        await client.leave()


async def test_pings_are_answered_and_pongs_are_not() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        client.send(PONG, b"nobody asked")
        client.send(PING)
        client.send(PING, b"x" * 125)
        assert await client.read() == Frame(PONG, b"")
        assert await client.read() == Frame(PONG, b"x" * 125)
        assert receiver.messages == []
        await client.leave()


# -- violations


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"x", rsv=4), 1002),
        (frame(TEXT, b"x", rsv=2), 1002),
        (frame(PING, rsv=1), 1002),
        (frame(3), 1002),
        (frame(7, b"x"), 1002),
        (frame(11), 1002),
        (frame(15, b"x"), 1002),
        (frame(TEXT, b"x", mask=None), 1002),
        (frame(PING, fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(CLOSE, b"x" * 126), 1002),
        (frame(CONTINUATION, b"x"), 1002),
        (frame(CONTINUATION, b"x", fin=False), 1002),
        (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
        (frame(TEXT, b"x", fin=False) + frame(BINARY, b"y", fin=False), 1002),
        (b"\x81\xfe\x00\x01mask" + b"x", 1002),  # a length that is not the shortest
        (b"\x81\xff" + struct.pack("!Q", 5) + b"mask" + b"hello", 1002),
        (b"\x81\xff" + struct.pack("!Q", 1 << 63) + b"mask", 1002),
        (b"\x81\xff" + struct.pack("!Q", (1 << 63) - 1) + b"mask", 1009),
        (frame(CLOSE, b"\x03"), 1002),
        (close_frame(0), 1002),
        (close_frame(999), 1002),
        (close_frame(1004), 1002),
        (close_frame(1005), 1002),
        (close_frame(1006), 1002),
        (close_frame(1015), 1002),
        (close_frame(2999), 1002),
        (close_frame(5000), 1002),
        (close_frame(1000, b"\xff"), 1007),
        (frame(TEXT, b"\xc3"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (frame(TEXT, b"ok\xff", fin=False), 1007),
        (frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"("), 1007),
        (frame(TEXT, b"x" * 65_537), 1009),
        (frame(BINARY, b"x" * 1_000_000), 1009),
        (frame(BINARY, b"x" * 40_000, fin=False) * 1 + frame(CONTINUATION, b"x" * 40_000), 1009),
    ],
)
async def test_a_violation_ends_the_connection_with_its_code(data: bytes, code: int) -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        client.write(data)
        assert await client.end() == code
        await client.leave()
        close = await node.gone(receiver)
        assert close is not None
        assert close.code == code
        assert receiver.told == ["connected", "disconnected"]
        assert receiver.messages == []


async def test_after_a_violation_nothing_is_heard_however_much_is_said() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        client.write(frame(TEXT, b"heard") + frame(3))
        for _ in range(200):
            client.write(frame(TEXT, b"not heard" * 1_000))
        frames = await client.read_to_end()
        assert frames[-1].code == 1002
        await client.leave()
        await node.gone(receiver)
        assert set(receiver.messages) <= {b"heard"}


async def test_a_violation_behind_the_handshake_is_answered_too() -> None:
    async with serving() as node:
        client = await Raw.dial(node.port)
        client.write(upgrade() + frame(3) + frame(TEXT, b"x" * 60_000) * 3)
        assert (await client.answer()).status == 101
        assert await client.end() == 1002
        await client.leave()


# -- closing


@pytest.mark.parametrize(
    ("said", "answered", "told"),
    [
        (frame(CLOSE), 1000, Close(1005, "")),
        (close_frame(1000), 1000, Close(1000, "")),
        (close_frame(1001, b"tab closed"), 1001, Close(1001, "tab closed")),
        (close_frame(3999, "später".encode()), 3999, Close(3999, "später")),
        (close_frame(4000), 4000, Close(4000, "")),
    ],
)
async def test_a_peer_that_closes_is_answered_with_its_code(said: bytes, answered: int, told: Close) -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        client.write(said)
        assert await client.end() == answered
        assert await node.gone(receiver) == told
        await client.leave()


@pytest.mark.parametrize("behind", [close_frame(4000), frame(TEXT, b"x"), frame(3), b"\xff" * 10_000, frame(PING)])
async def test_what_follows_a_close_frame_counts_for_nothing(behind: bytes) -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        client.write(frame(TEXT, b"before") + close_frame(1000) + behind)
        assert [sent for sent in await client.read_to_end() if sent.opcode != TEXT] == [Frame(CLOSE, b"\x03\xe8")]
        assert await node.gone(receiver) == Close(1000, "")
        assert receiver.messages in ([b"before"], [])
        await client.leave()


async def test_our_close_waits_for_the_answer_and_comes_after_what_was_sent() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        receiver.connection.send_text(b"last words")
        receiver.connection.close(FORCE_DISCONNECT)
        receiver.connection.close(SLOW)
        receiver.connection.send_text(b"never")
        assert not receiver.connection.is_open
        assert await client.read() == Frame(TEXT, b"last words")
        said = await client.read()
        assert (said.code, said.payload[2:]) == (3503, b"force disconnect")
        client.send(TEXT, b"too late")
        client.send(PING, b"too late")
        await asyncio.sleep(0.05)
        assert len(node.connections) == 1
        client.write(close_frame(3503))
        assert await client.read_to_end() == []
        assert await node.gone(receiver) == FORCE_DISCONNECT
        assert receiver.messages == []
        assert node.connections.closed == {3503: 1}
        await client.leave()


async def test_our_close_does_not_wait_for_ever() -> None:
    async with serving(limits=replace(LIMITS, close_s=0.2)) as node:
        client, receiver = await opened(node)
        receiver.connection.close(FORCE_DISCONNECT)
        async with asyncio.timeout(1):
            assert await client.end() == 3503
            assert await node.gone(receiver) == FORCE_DISCONNECT
        await client.leave()


async def test_a_receiver_may_close_at_once() -> None:
    class Bouncer(Echo):
        def connected(self, connection: object) -> None:
            super().connected(connection)  # type: ignore[arg-type]
            self.connection.send_text(b"no")
            self.connection.close(Close(3500, "invalid token"))

    async with serving(receiver=Bouncer) as node:
        client, receiver = await opened(node)
        assert (await client.read()).payload == b"no"
        client.write(close_frame(3500))
        assert await client.end() == 3500
        assert receiver.told == ["connected", "disconnected"]
        await client.leave()


@pytest.mark.parametrize("how", ["abort", "leave", "shut"])
async def test_a_peer_that_just_goes_is_noticed(how: str) -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        if how == "shut":
            client.writer.write_eof()
        else:
            client.abort() if how == "abort" else await client.leave()
        assert await node.gone(receiver) is None
        assert receiver.told == ["connected", "disconnected"]
        receiver.connection.send(text_frame(b"to nobody"))
        receiver.connection.close(SLOW)
        receiver.connection.pause_reading()
        receiver.connection.resume_reading()
        assert receiver.connection.send_ephemeral(text_frame(b"to nobody")) is False
        assert receiver.connection.queued_bytes == 0
        await client.leave()


async def test_sending_to_a_socket_that_just_died_does_not_raise() -> None:
    async with serving() as node:
        client, receiver = await opened(node)
        client.abort()
        await asyncio.sleep(0)
        for _ in range(1_000):
            receiver.connection.send(text_frame(b"x" * 1_000))
        assert await node.gone(receiver) is None


@pytest.mark.parametrize("where", ["connected", "received", "disconnected"])
async def test_a_receiver_that_fails_loses_its_connection_only(where: str, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Echo):
        def connected(self, connection: object) -> None:
            super().connected(connection)  # type: ignore[arg-type]
            if where == "connected":
                raise ValueError("broken")

        def received(self, message: bytes, is_text: bool) -> None:
            if where == "received" and message == b"break":
                raise ValueError("broken")
            super().received(message, is_text)

        def disconnected(self, close: Close | None) -> None:
            super().disconnected(close)
            if where == "disconnected":
                raise ValueError("broken")

    async with serving(receiver=Broken) as node:
        client, receiver = await opened(node)
        client.send(TEXT, b"break")
        if where == "disconnected":
            client.write(close_frame(1000))
        assert await client.end() == (1000 if where == "disconnected" else 3004)
        await client.leave()
        await node.gone(receiver)
        assert receiver.told == ["connected", "disconnected"]
        assert f"failed in {where}" in caplog.text
        await node.empty()


# -- limits


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
        frames = []
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
    async with serving(limits=replace(LIMITS, idle_s=0.4)) as node:
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
        await asyncio.sleep(0.4)
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
        async with asyncio.timeout(3):
            await receiver.gone.wait()
        client.abort()


# -- anything at all

ANY_FRAME = st.builds(
    lambda opcode, payload, fin, rsv, mask: frame(opcode, payload, fin=fin, rsv=rsv, mask=mask),
    st.one_of(st.sampled_from([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]), st.integers(0, 15)),
    st.one_of(st.binary(max_size=200), st.text(max_size=40).map(str.encode), st.just(b"x" * 1_500)),
    st.booleans(),
    st.sampled_from([0, 0, 0, 0, 1, 4]),
    st.sampled_from([b"mask", b"\0\0\0\0", None]),
)
ANYTHING = st.lists(st.one_of(ANY_FRAME, st.binary(max_size=60), ANY_FRAME.map(lambda data: data[:-3])), max_size=8)


async def _survives(node: Node, pieces: list[bytes]) -> None:
    client, receiver = await opened(node)
    for piece in pieces:
        if client.writer.is_closing():
            break
        client.write(piece)
        await asyncio.sleep(0)
    if not client.writer.is_closing():
        client.writer.write_eof()
    code = await client.end()
    assert code is None or code in LEGAL_CODES
    await node.gone(receiver)
    assert receiver.told == ["connected", "disconnected"]
    await client.leave()


async def test_whatever_comes_ends_with_a_legal_code_and_leaves_nothing() -> None:
    loop = asyncio.get_running_loop()
    async with serving(limits=replace(LIMITS, frame_bytes=1_000)) as node:
        await (await Raw.connect(node.port)).leave()
        before = tasks()

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
        @given(ANYTHING)
        def fuzz(pieces: list[bytes]) -> None:
            asyncio.run_coroutine_threadsafe(_survives(node, pieces), loop).result(PATIENCE_S)

        await asyncio.to_thread(fuzz)
        await node.empty()
        assert tasks() == before
        client, _ = await opened(node)
        client.send(TEXT, b"alive")
        assert (await client.read()).payload == b"alive"
        await client.leave()
