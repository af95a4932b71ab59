"""One connection: its messages, and how it is closed."""

import asyncio
from dataclasses import replace

import pytest

from folkmoot.realtime.codes import FORCE_DISCONNECT, SLOW, Close
from folkmoot.realtime.frames import text_frame
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
    Echo,
    Frame,
    close_frame,
    frame,
    serving,
)


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
        async with asyncio.timeout(PATIENCE_S):
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
