"""A service misbehaves in every way there is, and nothing else of the product suffers: fault 29 of faults.md."""

import asyncio
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

import psutil
import pytest

from folkmoot.errors import Busy, Error, ServiceAway, ServiceFailed
from folkmoot.services import Service
from tests.conftest import Start
from tests.people import Member, enrol
from tests.services.upstream import Asked, Behave, Upstream, answer, saying, silent, upstream

CONCURRENCY, QUEUE = 10, 20
CALLERS = 40  # of each service, more than may be on their way and wait together
WAVES = 25  # and then some more, again and again
WAVE, WAVE_S = 3, 0.1
TOTAL_S = 2.0
OPEN_S = 1.0
OTHERS_S = TOTAL_S / 2  # who waited for a service would wait longer
MEMORY_BYTES = 32 << 20

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


async def hangs_up(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Resets the connection in the middle of the body."""
    writer.write(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    await writer.drain()
    held = writer.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


async def drips(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: no pause is long enough for a time-out of its own."""
    writer.write(HEAD + b"Content-Length: 60000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drips_headers(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"X-More: yes\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def never_ends(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Connection: close\r\n\r\n")
    while True:
        writer.write(bytes(65_536))
        await writer.drain()


async def talks_nonsense(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff\x16\x03 hello\r\n\r\n")


MISBEHAVIOURS: dict[str, tuple[Behave, type[Error]]] = {
    "hangs": (silent, ServiceAway),
    "is-slow": (drips, ServiceAway),
    "is-slow-with-its-headers": (drips_headers, ServiceAway),
    "resets-in-the-middle": (hangs_up, ServiceAway),
    "talks-nonsense": (talks_nonsense, ServiceAway),
    "never-ends": (never_ends, ServiceFailed),
    "announces-too-much": (saying("", Content_Length=str(10 << 30)), ServiceFailed),
    "sends-elsewhere": (saying("", 302, Location="http://169.254.169.254/latest/meta-data/"), ServiceFailed),
    "fails": (saying("Internal Server Error", 500), ServiceFailed),
}


@pytest.fixture
def described(tmp_path: Path) -> Callable[..., Path]:
    """Describes services with these addresses, by their names."""

    def describe(**addresses: str) -> Path:
        limits = {
            "total_s": TOTAL_S,
            "breaker_open_s": OPEN_S,
            "answer_bytes": 65_536,
            "concurrency": CONCURRENCY,
            "queue": QUEUE,
        }
        lines = "".join(f"  {name}: {value}\n" for name, value in limits.items())
        path = tmp_path / "services.yaml"
        path.write_text("".join(f"{name}:\n  base_uri: {address}\n{lines}" for name, address in addresses.items()))
        return path

    return describe


async def call(service: Service) -> tuple[str, float]:
    """One call: how it ended, and after how long."""
    began_at = time.monotonic()
    try:
        await service.get("/hello/Gonzalo")
        end = "ok"
    except Error as error:
        end = type(error).__name__
    return end, time.monotonic() - began_at


async def storm(service: Service) -> list[tuple[str, float]]:
    """Many call at once, and others after them for longer than a call may take."""
    first = [asyncio.create_task(call(service)) for _ in range(CALLERS)]
    for _ in range(WAVES):
        await asyncio.sleep(WAVE_S)
        first += [asyncio.create_task(call(service)) for _ in range(WAVE)]
    return list(await asyncio.gather(*first))


@asynccontextmanager
async def talking(member: Member, room_id: int) -> AsyncIterator[list[float]]:
    """Somebody talks as fast as they are answered. Gives how long each message took; all must be taken."""

    async def talk() -> None:
        while True:
            began_at = time.monotonic()
            await member.say(room_id, "Nobody but the callers should notice")
            took_s.append(time.monotonic() - began_at)

    took_s: list[float] = []
    await member.say(room_id, "The first one opens the connection")
    task = asyncio.create_task(talk())
    try:
        yield took_s
        assert not task.done(), task
        assert len(took_s) > 1
    finally:
        task.cancel()


async def test_services_misbehave_in_all_ways_at_once_and_only_their_callers_notice(
    start: Start, described: Callable[..., Path]
) -> None:
    async with AsyncExitStack() as running:
        bad = {how: await running.enter_async_context(upstream(behave)) for how, (behave, _) in MISBEHAVIOURS.items()}
        path = described(**{how: each.address for how, each in bad.items()})
        node = await running.enter_async_context(start(services=path))
        ada = await running.enter_async_context(enrol(node, "Ada"))
        room_id, services = await ada.make_room(), node.core.services
        memory = psutil.Process(os.getpid()).memory_info().rss
        async with talking(ada, room_id) as took_s:
            stormed = await asyncio.gather(*(storm(services[how]) for how in bad))
        grown = psutil.Process(os.getpid()).memory_info().rss - memory
        print(f"messages: p50 {median(took_s) * 1000:.0f} ms; {grown / 1e6:.0f} MB")
        for (how, (_, error)), ends in zip(MISBEHAVIOURS.items(), stormed, strict=True):
            borne(how, error, ends, services[how], bad[how])
        assert median(took_s) < OTHERS_S
        assert grown < MEMORY_BYTES
        await asyncio.gather(*(is_well_again(services[how], bad[how]) for how in bad))


def borne(how: str, error: type[Error], ends: list[tuple[str, float]], service: Service, bad: Upstream) -> None:
    """Its callers were told in time, most of them without asking it."""
    counted, longest_s = Counter(end for end, _ in ends), max(after_s for _, after_s in ends)
    print(f"{how}: {dict(counted)}, {longest_s:.1f} s at most; asked {len(bad.asked)} times")
    assert counted.keys() <= {error.__name__, ServiceAway.__name__, Busy.__name__}, how
    assert counted[error.__name__] > 0, how
    assert counted[Busy.__name__] > 0, "nobody but so many may wait"
    assert longest_s < 2 * TOTAL_S, how
    assert service.breaker != "closed", how
    assert len(bad.asked) < len(ends) / 2, how


async def is_well_again(service: Service, bad: Upstream) -> None:
    """When the service is well again, so is everything, without a restart."""
    bad.behave = saying("Hello Gonzalo from flask service")
    async with asyncio.timeout(30):
        while (await call(service))[0] != "ok":
            await asyncio.sleep(0.05)
    assert service.breaker == "closed"


async def test_a_dead_service_comes_back(start: Start, described: Callable[..., Path], free_port: int) -> None:
    path = described(bad=f"http://127.0.0.1:{free_port}")
    async with start(services=path) as node, enrol(node, "Ada") as ada:
        service, room_id = node.core.services["bad"], await ada.make_room()
        async with talking(ada, room_id) as took_s:
            ends = await storm(service)
        assert {end for end, _ in ends} == {"ServiceAway", "Busy"}
        assert max(after_s for _, after_s in ends) < 2 * TOTAL_S
        assert median(took_s) < OTHERS_S
        async with upstream(saying(), port=free_port) as bad:
            await is_well_again(service, bad)


async def test_failures_at_first_are_borne_by_repeats_alone(start: Start, described: Callable[..., Path]) -> None:
    async def fails_first(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer("well") if len(bad.asked) > 2 else answer("ill", 500))

    async with upstream(fails_first) as bad, start(services=described(bad=bad.address)) as node:
        assert await node.core.services["bad"].get("/") == "well"
        assert len(bad.asked) == 3


async def test_a_node_stops_in_time_while_a_service_hangs(start: Start, described: Callable[..., Path]) -> None:
    async with upstream(silent) as bad:
        async with start(services=described(bad=bad.address)) as node:
            callers = [asyncio.create_task(call(node.core.services["bad"])) for _ in range(10)]
            while len(bad.asked) < 10:
                await asyncio.sleep(0.01)
            began_at = time.monotonic()
        assert time.monotonic() - began_at < 20
        assert {end for end, _ in await asyncio.gather(*callers)} == {"ServiceAway"}
