"""Whatever a peer sends that RFC 6455 forbids, and whatever else comes."""

import asyncio
import struct
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.realtime.peers import opened
from tests.realtime.support import (
    BINARY,
    CLOSE,
    CONTINUATION,
    LIMITS,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    Node,
    Raw,
    close_frame,
    frame,
    serving,
    tasks,
    upgrade,
)

LEGAL_CODES = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}


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
