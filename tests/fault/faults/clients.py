"""What clients do, or what happens on the line to them."""

import asyncio
import random
import time
from contextlib import suppress
from typing import Any
from uuid import uuid4

from tests.fault.checker import check, quantile
from tests.fault.clients import GONE, Notes, Reader, Socket, Writer
from tests.fault.fault import Fault, Window
from tests.fault.history import History
from tests.fault.proxy import DropFrames, Slicer, Toxic, proxy_to
from tests.fault.world import World
from tests.realtime.support import CLOSE, PING, TEXT, Raw, close_frame, frame, upgrade

GROWTH_BYTES = 20 << 20
OTHERS_S = 0.25
MESSAGES = 460  # of 9 kB: more than the kernel and the node keep for one who does not read


class _Bystanders(Fault):
    """Something that some clients do, and that nobody else may notice."""

    def __init__(self) -> None:
        self.seen = ""

    async def begin(self, world: World) -> None:
        """It is all done meanwhile."""

    async def verify(self, world: World, window: Window) -> str:
        assert self.seen, "it did not happen"
        assert set(window.outcomes()) == {"ok"}, window.outcomes()
        assert not window.endings, "the others stay connected"
        # The p99 of a short run is the slowest of a few sends, and other tests may use the machine at the same time.
        typical_s = quantile(window.took_s("ok"), 0.5 if world.is_quick else 0.99)
        assert typical_s < OTHERS_S, f"the others' sends: {typical_s:.2f} s"
        return f"{self.seen}; the others' sends: p99 {window.p99_s() * 1000:.0f} ms"


class _BadLine(_Bystanders):
    """A writer and a reader on a line of their own, and a reader beside them whose line is good."""

    messages = 12

    def toxic(self) -> Toxic:
        raise NotImplementedError

    def reading_port(self, bad: int, good: int) -> int:
        return bad

    async def meanwhile(self, world: World) -> None:
        (writing, one, other), room = await world.people(3)
        node = world.nodes[-1]
        history, notes, chance = History(), Notes(), random.Random(1)  # noqa: S311 - chance, not secrecy
        async with proxy_to(node.port) as line:
            writer = Writer("writer", writing, room, [line.port], chance, notes, history=history, rate_per_s=100.0)
            writer.answer_s = 0.25
            ports = (self.reading_port(line.port, node.port), node.port)
            readers = [
                Reader(f"reader {person.id}", person, room, [port], chance, notes, history=history)
                for person, port in zip((one, other), ports, strict=True)
            ]
            for reader in readers:
                await reader.connected()
            toxic = self.toxic()
            with line.poisoned(toxic):
                for _ in range(self.messages):
                    await writer._send_until_known(await writer.connected())
                while any(reader.offset != self.messages for reader in readers):
                    await asyncio.sleep(0.01)
            for client in (writer, *readers):
                await client.leave()
        for reader in readers:
            assert [entry.offset for entry in history.entries if entry.process == reader.name] == [
                *range(self.messages + 1)
            ], reader.name
        for entry in [entry for entry in history.entries if entry.process == readers[0].name and entry.act == "poll"]:
            history.drain("drain", room, entry.offset or 0, entry.key)
        report = check(history.entries)
        assert report.anomalies == [], str(report)
        self.seen = self.told(toxic, notes, report.acknowledged)

    def told(self, toxic: Toxic, notes: Notes, acknowledged: int) -> str:
        raise NotImplementedError


class AnswersLost(_BadLine):
    number = 18
    name = "An acknowledgement is lost"
    done = "every third frame of the server to a writer never arrives"
    expected = "the repeat is answered with the first number; nothing is there twice"

    def toxic(self) -> Toxic:
        return DropFrames(3)

    def reading_port(self, bad: int, good: int) -> int:
        return good  # TCP loses no frame in the middle of what it brings to a reader

    def told(self, toxic: Toxic, notes: Notes, acknowledged: int) -> str:
        assert isinstance(toxic, DropFrames)
        unknown = sum(attempt.outcome != "ok" for attempt in notes.attempts)
        assert toxic.dropped
        assert unknown, "an answer was among the frames"
        return f"{toxic.dropped} frames lost, {unknown} sends unknown, {acknowledged} messages, each once"


class InPieces(_BadLine):
    number = 19
    name = "Frames in pieces"
    done = "every byte both ways is a packet of its own; then many commands in one packet"
    expected = "the same result as on a good line"

    def toxic(self) -> Toxic:
        return Slicer(1)

    async def meanwhile(self, world: World) -> None:
        await super().meanwhile(world)
        (person,), room = await world.people(1)
        raw = await Raw.connect(world.nodes[-1].port)
        raw.send(TEXT, b'{"id":1,"connect":{"token":"%s"}}' % person.token.encode())
        await raw.read()
        frames = [
            frame(
                TEXT,
                b'{"id":%d,"publish":{"channel":"room:%d","data":{"body":"%d","client_id":"%s"}}}'
                % (number + 2, room, number, str(uuid4()).encode()),
            )
            for number in range(30)
        ]
        raw.write(b"".join(frames))
        answers = 0
        while answers < len(frames):
            answers += (await raw.read()).payload.count(b'"publish":{}')
        raw.writer.transport.abort()
        self.seen += f"; {len(frames)} commands in one packet, all answered"

    def told(self, toxic: Toxic, notes: Notes, acknowledged: int) -> str:
        return f"{acknowledged} messages byte by byte, read alike on a bad line and on a good one"


class SlowConsumers(_Bystanders):
    number = 21
    name = "Clients that do not read"
    done = "members with a receive buffer of 4 kB stop reading while 10 kB messages are said in their room"
    expected = "closed with 3008 within 10 s; 100 of them cost less than 20 MB; the others notice nothing"

    async def meanwhile(self, world: World) -> None:
        count = 20 if world.is_quick else 100
        people, room = await world.people(count + 1)
        node = world.nodes[0]
        descriptors, resident = node.descriptors(), node.resident_bytes()
        stalled = [await _stall(node.port, person.token) for person in people[1:]]
        # Some begin to read again, one after the other: those whom the close frame still waits for then see it.
        waking: list[asyncio.Task[int]] = []
        talker = await Socket.open(node.port)
        await talker.answer("connect", token=people[0].token)
        for number in range(MESSAGES):
            data = {"body": "x" * 9_000, "client_id": str(uuid4())}
            await talker.answer("publish", channel=f"room:{room}", data=data)
            if number % (2 * MESSAGES // count) == 0:
                waking.append(asyncio.create_task(_code_of(stalled[len(waking)])))
        grown, said = node.resident_bytes() - resident, time.monotonic()
        await talker.leave()
        while node.descriptors() > descriptors + sum(not task.done() for task in waking) + 2:
            await asyncio.sleep(0.05)
            assert time.monotonic() - said < 10.0, "they are still there"
        gone_s = time.monotonic() - said
        codes = [task.result() for task in waking if task.done()]
        Raw.hang_up()
        await asyncio.gather(*waking)
        assert 3008 in codes, codes
        # 1006: hung up before it was read; 3012: it read again before it was slow, and answered no ping.
        assert set(codes) <= {3008, 3012, 1006}, codes
        assert grown < GROWTH_BYTES, f"{grown >> 20} MB"
        self.seen = (
            f"{count} clients, all that did not read gone {gone_s:.1f} s after the last message, {codes.count(3008)} "
            f"that began to read again in time saw 3008; {grown / (1 << 20):.1f} MB"
        )


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


class Flood(_Bystanders):
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


class Malformed(_Bystanders):
    number = 23
    name = "Malformed input"
    done = "oversize, fragments, bad UTF-8, no mask, reserved bits, bad control frames, bad JSON, a flood of pings"
    expected = "1009, 1007, 1002, 3501, each as the standard says; pings are paused; the node lives"

    async def meanwhile(self, world: World) -> None:
        node = world.nodes[0]
        for what, said, expected in MALFORMED:
            raw = await Raw.connect(node.port)
            raw.write(said)
            code = await _code_of(raw)
            assert code in expected, f"{what}: {code}"
        pings = 100_000 if world.is_quick else 1_000_000
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
    reading = asyncio.create_task(_code_of(raw))
    for _ in range(pings // 1_000):
        raw.write(frame(PING, b"") * 1_000)
        with suppress(*GONE):
            async with asyncio.timeout(2.0):
                await raw.writer.drain()
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading


class SignInFlood(_Bystanders):
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
        assert counts.get(429, 0) + counts.get(503, 0) > counts.get(401, 0), counts
        self.seen = f"{len(statuses)} guesses: {counts}"


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
