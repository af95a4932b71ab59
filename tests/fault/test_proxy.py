"""The line does what its toxics say: or a fault that nobody notices would be no fault."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from folkmoot.realtime.frames import text_frame
from tests.fault.proxy import Proxy, proxy_to
from tests.fault.toxics import Bandwidth, DropFrames, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout, Toxic

Talk = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says back what it hears, and ends when the other does."""
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with proxy_to(server.sockets[0].getsockname()[1]) as line:
        yield line
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def talking(proxy: Proxy) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def say(talk: Talk, data: bytes) -> bytes:
    reader, writer = talk
    writer.write(data)
    async with asyncio.timeout(5.0):
        return await reader.readexactly(len(data))


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.monotonic()
    await work()
    return time.monotonic() - began


async def test_a_good_line_changes_nothing(proxy: Proxy) -> None:
    async with talking(proxy) as talk:
        said = bytes(range(256)) * 1_000
        assert await say(talk, said) == said
        talk[1].write_eof()
        assert await talk[0].read() == b""
    assert proxy.connected == 1


async def test_latency_is_on_the_way_and_not_between(proxy: Proxy) -> None:
    with proxy.poisoned(Latency(0.2, ways=("there",))):
        async with talking(proxy) as talk:

            async def ten() -> None:
                for _ in range(10):
                    talk[1].write(b"x")
                    await asyncio.sleep(0.005)
                await talk[0].readexactly(10)

            assert 0.2 <= await timed(ten) < 1.0


async def test_a_narrow_line_takes_its_time(proxy: Proxy) -> None:
    with proxy.poisoned(Bandwidth(20_000, ways=("back",))):
        async with talking(proxy) as talk:
            assert 0.45 < await timed(lambda: say(talk, b"x" * 10_000)) < 1.5


async def test_slices_arrive_one_by_one_and_are_the_same(proxy: Proxy) -> None:
    with proxy.poisoned(Slicer(1, 0.001)):
        async with talking(proxy) as talk:
            assert await say(talk, b"one by one") == b"one by one"
            talk[1].write(b"ab")
            assert await talk[0].read(100) == b"a"


async def test_what_a_deaf_line_is_told_vanishes(proxy: Proxy) -> None:
    async with talking(proxy) as talk:
        with proxy.poisoned(Timeout(0.2)):
            talk[1].write(b"hello?")
            assert await talk[0].read() == b"", "and then it is closed"


async def test_a_line_is_cut_in_the_middle_of_a_word(proxy: Proxy) -> None:
    with proxy.poisoned(LimitData(5, ways=("back",))):
        async with talking(proxy) as talk:
            talk[1].write(b"hello world")
            assert await talk[0].read() == b"hello"


async def test_a_peer_is_reset(proxy: Proxy) -> None:
    with proxy.poisoned(ResetPeer(0.05)):
        async with talking(proxy) as talk:
            with pytest.raises(ConnectionResetError):
                await talk[0].read()
    async with talking(proxy) as talk:
        assert await say(talk, b"x") == b"x"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await talk[0].read()


async def test_the_end_is_told_late(proxy: Proxy) -> None:
    with proxy.poisoned(SlowClose(0.2)):
        async with talking(proxy) as talk:
            talk[1].write_eof()
            assert 0.2 <= await timed(talk[0].read) < 1.5


async def test_a_frozen_line_goes_on_where_it_was(proxy: Proxy) -> None:
    async with talking(proxy) as talk:
        proxy.freeze()
        talk[1].write(b"x")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk[0].readexactly(1), 0.1)
        proxy.thaw()
        assert await talk[0].readexactly(1) == b"x"


async def test_every_nth_frame_of_the_server_is_lost(short_path: Path) -> None:
    head, frames = b"HTTP/1.1 101 Switching Protocols\r\n\r\n", [text_frame(b"%d" % number * 70) for number in range(9)]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        whole = head + b"".join(frames)
        for start in range(0, len(whole), 11):  # not where frames end
            writer.write(whole[start : start + 11])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_unix_server(serve, short_path / "there.sock")
    async with proxy_to(short_path / "there.sock", short_path / "here.sock") as line:
        toxic = DropFrames(3)
        with line.poisoned(toxic):
            reader, writer = await asyncio.open_unix_connection(short_path / "here.sock")
            kept = [each for number, each in enumerate(frames, start=1) if number % 3]
            assert await reader.read() == head + b"".join(kept)
            writer.transport.abort()
        assert toxic.dropped == 3
    server.close()
    await server.wait_closed()


async def test_when_it_is_cut_nobody_answers_until_it_is_mended(proxy: Proxy) -> None:
    async with talking(proxy) as talk:
        assert await say(talk, b"x") == b"x"
        await proxy.cut()
        with suppress(ConnectionResetError):
            assert await talk[0].read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)
    await proxy.mend()
    async with talking(proxy) as talk:
        assert await say(talk, b"y") == b"y"


def test_each_toxic_has_a_test() -> None:
    source = Path(__file__).read_text()
    assert {kind.__name__ for kind in Toxic.__subclasses__() if f"{kind.__name__}(" not in source} == set()
