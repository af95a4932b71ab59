"""What clients do."""

import asyncio
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from tests.fault.clients import GONE, Socket
from tests.fault.faults.bystanders import Bystanders
from tests.fault.world import World
from tests.realtime.support import CLOSE, PING, TEXT, Raw, close_frame, frame, upgrade

GROWTH_BYTES = 20 << 20
AWAKE = 10
MESSAGES = 170  # of 27 kB: more than the kernel and the node keep for one who does not read


class SlowConsumers(Bystanders):
    number = 21
    name = "Clients that do not read"
    done = "members with a receive buffer of 4 kB stop reading while messages of 27 kB are said in their room"
    expected = "closed with 3008 within 10 s; 100 of them cost less than 20 MB; the others notice nothing"

    async def meanwhile(self, world: World) -> None:
        count = 20 if world.is_quick else 100
        people, room = await world.people(count + 1)
        node = world.nodes[0]
        descriptors, resident, began = node.descriptors(), node.resident_bytes(), time.monotonic()
        stalled = [await _stall(node.port, person.token) for person in people[1:]]
        # Some begin to read again, one after the other: those whom the close frame still waits for then see it.
        waking: list[asyncio.Task[int]] = []
        talker = await Socket.open(node.port)
        ping_s = (await talker.answer("connect", token=people[0].token))["connect"]["ping"]
        for raw in stalled[:AWAKE]:
            await asyncio.gather(*(_say(talker, room) for _ in range(MESSAGES // AWAKE)), asyncio.sleep(0.15))
            waking.append(asyncio.create_task(_code_of(raw)))
        grown, said = node.resident_bytes() - resident, time.monotonic()
        await talker.leave()
        while node.descriptors() > descriptors + sum(not task.done() for task in waking) + 2:
            await asyncio.sleep(0.05)
            assert time.monotonic() - said < 10.0, "they are still there"
        gone_s = time.monotonic() - said
        codes = [task.result() for task in waking if task.done()]
        Raw.hang_up()
        await asyncio.gather(*waking)
        # On a busy machine it may take longer than until the first ping: then they are sent away for not answering it.
        assert 3008 in codes or said - began > ping_s, codes
        # 1006: hung up before it was read; 3012: it read again before it was slow, and answered no ping.
        assert set(codes) <= {3008, 3012, 1006}, codes
        assert grown < GROWTH_BYTES, f"{grown >> 20} MB"
        self.seen = (
            f"{count} clients, all that did not read gone {gone_s:.1f} s after the last message, {codes.count(3008)} "
            f"that began to read again in time saw 3008; {grown / (1 << 20):.1f} MB"
        )


async def _say(talker: Socket, room: int) -> None:
    data = {"body": "€" * 9_000, "client_id": str(uuid4())}
    await talker.answer("publish", channel=f"room:{room}", data=data)


async def _stall(port: int, token: str) -> Raw:
    raw = await Raw.dial(port, receive_bytes=4096)
    raw.write(upgrade())
    assert (await raw.answer()).status == 101
    raw.send(TEXT, b'{"id":1,"connect":{"token":"%s"}}' % token.encode())
    await raw.read()
    raw.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is the transport of both ways
    return raw


async def _code_of(raw: Raw) -> int:
    """Reads to the end. The code of the close frame; 1006 when there is none."""
    raw.writer.transport.resume_reading()  # type: ignore[attr-defined]
    with suppress(*GONE, asyncio.IncompleteReadError, AssertionError):
        while True:
            received = await raw.read()
            if received.opcode == CLOSE:
                return received.code
    return 1006


class Flood(Bystanders):
    number = 22
    name = "Clients that send and never read"
    done = "members send commands as fast as the line takes them, and read no answer"
    expected = "not read from any more, or closed; less than 20 MB each; the others' p99 below 250 ms"
    lasts_s = (1.5, 10.0)

    async def meanwhile(self, world: World) -> None:
        count = 2 if world.is_quick else 10
        people, room = await world.people(count)
        node = world.nodes[0]
        resident = node.resident_bytes()
        floods = [await _stall(node.port, person.token) for person in people]
        ends = time.monotonic() + self.lasts_s[not world.is_quick]
        block = frame(TEXT, b'{"id":7,"history":{"channel":"room:%d","limit":50}}' % room) * 500
        written = await asyncio.gather(*(_flood(raw, block, ends) for raw in floods))
        grown = node.resident_bytes() - resident
        Raw.hang_up()
        assert grown < GROWTH_BYTES * count, f"{grown >> 20} MB"
        self.seen = f"{count} floods, {sum(written) / (1 << 20):.1f} MB written; {grown / (1 << 20):.1f} MB"


async def _flood(raw: Raw, block: bytes, ends: float) -> int:
    written = 0
    with suppress(*GONE):
        while time.monotonic() < ends:
            raw.write(block)
            written += len(block)
            async with asyncio.timeout(max(0.01, ends - time.monotonic())):
                await raw.writer.drain()
            await asyncio.sleep(0)
    return written


MALFORMED: tuple[tuple[str, bytes, tuple[int, ...]], ...] = (
    ("a message of 200 kB", frame(TEXT, b"x" * 200_000), (1009,)),
    ("200 kB in fragments", frame(TEXT, b"x" * 50_000, fin=False) + frame(0, b"x" * 50_000, fin=False) * 3, (1009,)),
    ("text that is not UTF-8", frame(TEXT, b"\xff\xfe"), (1007,)),
    ("a frame without a mask", frame(TEXT, b"{}", mask=None), (1002,)),
    ("a reserved bit", frame(TEXT, b"{}", rsv=4), (1002,)),
    ("an unknown opcode", frame(3, b""), (1002,)),
    ("a ping of 200 bytes", frame(PING, b"x" * 200), (1002,)),
    ("a ping in two fragments", frame(PING, b"x", fin=False), (1002,)),
    ("a continuation of nothing", frame(0, b"x"), (1002,)),
    ("a close code that is none", close_frame(1005), (1002,)),
    ("what is not JSON", frame(TEXT, b"hello"), (3501,)),
    ("nested JSON", frame(TEXT, b"[" * 10_000), (3501,)),
    ("a command before connect", frame(TEXT, b'{"id":1,"history":{"channel":"room:1"}}'), (3501,)),
)


class Malformed(Bystanders):
    number = 23
    name = "Malformed input"
    done = "oversize, fragments, bad UTF-8, no mask, reserved bits, bad control frames, bad JSON, a flood of pings"
    expected = "1009, 1007, 1002, 3501, each as the standard says; pings are answered in turn; the node lives"
    others_s = 2.0  # while one client has a million pings answered: nothing limits them but taking turns

    async def meanwhile(self, world: World) -> None:
        node = world.nodes[0]
        for what, said, expected in MALFORMED:
            raw = await Raw.connect(node.port)
            raw.write(said)
            code = await _code_of(raw)
            assert code in expected, f"{what}: {code}"
        pings = 50_000 if world.is_quick else 1_000_000
        raw = await Raw.connect(node.port)
        resident = node.resident_bytes()
        await _flood_pings(raw, pings)
        grown = node.resident_bytes() - resident
        Raw.hang_up()
        assert grown < GROWTH_BYTES
        assert await node.get("/healthz") == 200
        self.seen = f"{len(MALFORMED)} kinds, each closed as expected; {pings} pings cost {grown / (1 << 20):.1f} MB"


async def _flood_pings(raw: Raw, pings: int) -> None:
    """Sends them, and reads the pongs."""
    reading = asyncio.create_task(_discard(raw))
    for _ in range(pings // 1_000):
        raw.write(frame(PING, b"") * 1_000)
        with suppress(*GONE):
            async with asyncio.timeout(2.0):
                await raw.writer.drain()
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


async def _discard(raw: Raw) -> None:
    while await raw.reader.read(1 << 16):
        pass


class SignInFlood(Bystanders):
    number = 28
    name = "A flood of sign-ins"
    done = "wrong passwords from 100 addresses, as many as the node answers"
    expected = "429 or 503 past the limits; the chat's p99 below 250 ms"
    lasts_s = (2.0, 20.0)

    async def meanwhile(self, world: World) -> None:
        statuses: list[int] = []
        ends = time.monotonic() + self.lasts_s[not world.is_quick] - 0.5
        await asyncio.gather(
            *(_guess(world.nodes[0].port, f"127.0.0.{host}", ends, statuses) for host in range(2, 102))
        )
        counts = {status: statuses.count(status) for status in sorted(set(statuses))}
        assert set(counts) <= {401, 429, 503}, counts
        refused = counts.get(429, 0) + counts.get(503, 0)
        # A short run may end with the first guess of each, about half of which are hashed before the queue is full.
        assert refused > (0 if world.is_quick else counts.get(401, 0)), counts
        self.seen = f"{len(statuses)} guesses: {counts}, each answered within 10 s"


async def _guess(port: int, address: str, ends: float, statuses: list[int]) -> None:
    body = b'{"email":"nobody@example.org","password":"wrong horse battery"}'
    head = f"POST /api/v1.0/session HTTP/1.1\r\nHost: localhost:{port}\r\nX-Requested-With: folkmoot\r\n"
    request = f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    answering: Any = Raw(reader, writer)
    while time.monotonic() < ends:
        writer.write(request)
        statuses.append((await answering.answer()).status)
        await asyncio.sleep(0.2)
    writer.transport.abort()
