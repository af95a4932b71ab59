"""Clients that mean harm: they flood, never read, or come and go by the thousand."""

import asyncio
import gc
import os
import resource
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median

import pytest

from tests.realtime.support import (
    BINARY,
    CONTINUATION,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    Frame,
    Raw,
    another_process,
    close_frame,
    descriptors,
    frame,
    processor_s,
    resident_bytes,
    serving,
    tasks,
    upgrade,
)

MB = 1 << 20
FLOOD_BYTES = 120 * MB
ROUNDS = 10_000
HELD_BACK, ALL, ANY = range(FLOOD_BYTES // 4), range(FLOOD_BYTES, 2 * FLOOD_BYTES), range(2 * FLOOD_BYTES)


def flood(port: int, block: bytes, amount: int, patience_s: float) -> int:
    """Opens a socket and sends `block` again and again without reading; how many bytes were taken."""
    sent = 0
    with socket.create_connection(("127.0.0.1", port)) as sock, suppress(TimeoutError, ConnectionError):
        sock.settimeout(patience_s)
        sock.sendall(upgrade())
        while sent < amount:
            sent += sock.send(memoryview(block)[sent % len(block) :])
    return sent


async def warm_up(port: int) -> None:
    """Lets the server grow to the size it has in use."""
    client = await Raw.connect(port)
    for _ in range(50):
        client.send(TEXT, b"x" * 60_000)
        await client.read()
    await client.leave()


@pytest.mark.parametrize(
    ("block", "taken"),
    [
        pytest.param(frame(TEXT, b"x" * 60_000) * 16, HELD_BACK, id="messages"),
        pytest.param(frame(TEXT, b"x") * 100_000, HELD_BACK, id="tiny messages"),
        pytest.param(frame(PING, b"x" * 100) * 10_000, HELD_BACK, id="pings"),
        pytest.param(frame(PONG, b"x" * 125) * 8_000, ALL, id="pongs"),
        pytest.param(frame(CONTINUATION, fin=False) * 100_000, ANY, id="fragments of nothing"),
        pytest.param(b"\x81\xff" + struct.pack("!Q", 1 << 40) + b"\0" * MB, ANY, id="a frame without end"),
        pytest.param(b"\xff" * MB, ANY, id="noise"),
    ],
)
async def test_a_flood_holds_no_memory_and_harms_nobody(block: bytes, taken: range) -> None:
    """What gets answers is held back, because they are not read; what gets none may all come, and is let go."""
    async with another_process() as (pid, port):
        await warm_up(port)
        before = peak = resident_bytes(pid)
        loop = asyncio.get_running_loop()
        witness = await Raw.connect(port)
        flooding = asyncio.create_task(asyncio.to_thread(flood, port, block, FLOOD_BYTES, patience_s=1.0))
        delays = []
        while not flooding.done():
            began = loop.time()
            witness.send(TEXT, b"still there?")
            assert await witness.read() == Frame(TEXT, b"still there?")
            delays.append(loop.time() - began)
            peak = max(peak, resident_bytes(pid))
            await asyncio.sleep(0.005)
        sent = await flooding
        assert peak - before < 20 * MB
        assert median(delays) < 0.25  # the slowest say how busy the machine is with other things
        assert sent in taken
        await witness.leave()


async def test_a_hundred_floods_that_are_never_read_hold_little_memory() -> None:
    async with another_process() as (pid, port):
        await warm_up(port)
        before = resident_bytes(pid)
        block = frame(BINARY, b"x" * 60_000) * 16
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(100) as threads:
            floods = [loop.run_in_executor(threads, flood, port, block, 20 * MB, 2.0) for _ in range(100)]
            await asyncio.sleep(1.5)
            held = resident_bytes(pid) - before
            assert max(await asyncio.gather(*floods)) < 10 * MB
        assert held < 150 * MB
        witness = await Raw.connect(port)
        witness.send(TEXT, b"alive")
        assert await witness.read() == Frame(TEXT, b"alive")
        await witness.leave()


async def test_ten_thousand_abrupt_clients_leave_nothing() -> None:
    """Each leaves with a reset, at another moment: before, in and after the handshake, with and without frames."""
    request = upgrade()
    moments = [
        b"",
        b"GET /w",
        request[:-2],
        request,
        request + frame(TEXT, b"hello"),
        request + frame(TEXT, b"hel", fin=False) + frame(PING)[:3],
        request + frame(TEXT, b"x" * 30_000),
        request + frame(3),
        request + close_frame(1000),
        b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n" + request,
    ]

    def come_and_go(port: int, number: int) -> None:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as sock, suppress(ConnectionError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            moment = moments[number % len(moments)]
            sock.sendall(moment)
            if number % 3 == 0 and moment.startswith(request):
                sock.recv(1)

    async with serving() as node:
        await (await Raw.connect(node.port)).leave()
        await node.empty()
        before = (tasks(), descriptors())
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(10) as threads:
            rounds = [loop.run_in_executor(threads, come_and_go, node.port, number) for number in range(ROUNDS)]
            async with asyncio.timeout(60):
                await asyncio.gather(*rounds)
        await node.empty()
        async with asyncio.timeout(5):
            while (tasks(), descriptors()) != before:
                await asyncio.sleep(0.02)
        assert node.connections.opened >= ROUNDS // 5, "those who wait for an answer get one"
        assert node.server.connections == set()
        assert all(receiver.told == ["connected", "disconnected"] for receiver in node.receivers if receiver.told)
        node.receivers.clear()
        gc.collect()
        client = await Raw.connect(node.port)
        client.send(TEXT, b"alive")
        assert await client.read() == Frame(TEXT, b"alive")
        await client.leave()


async def test_a_server_without_free_descriptors_waits_and_recovers() -> None:
    async with another_process() as (pid, port):
        witness = await Raw.connect(port)
        open_now = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 50, open_now + 50))
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
        await asyncio.sleep(0.3)
        used = processor_s(pid)
        await asyncio.sleep(1)
        assert processor_s(pid) - used < 0.5
        witness.send(TEXT, b"still there?")
        assert await witness.read() == Frame(TEXT, b"still there?")
        for client in clients:
            client.close()
        await asyncio.sleep(0.1)
        another = await Raw.connect(port)
        another.send(TEXT, b"back")
        assert await another.read() == Frame(TEXT, b"back")
        for raw in (witness, another):
            await raw.leave()


async def test_an_idle_connection_is_small() -> None:
    """What picows and the loop need; the receiver here is nearly nothing."""
    count = 1_000
    async with another_process() as (pid, port):
        warm = [await Raw.connect(port) for _ in range(100)]
        for client in warm:
            await client.leave()
        before = resident_bytes(pid)
        clients = [await Raw.connect(port) for _ in range(count)]
        await asyncio.sleep(0.2)
        assert (resident_bytes(pid) - before) / count < 8_500
        for client in clients:
            client.abort()
