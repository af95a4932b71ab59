"""What happens on the line to a client."""

import asyncio
import random
from uuid import uuid4

from tests.fault.checker import check
from tests.fault.clients import Notes
from tests.fault.faults.bystanders import Bystanders
from tests.fault.history import History
from tests.fault.members import Reader, Writer
from tests.fault.proxy import proxy_to
from tests.fault.toxics import DropFrames, Slicer, Toxic
from tests.fault.world import World
from tests.realtime.support import TEXT, Raw, frame


class _BadLine(Bystanders):
    """A writer and a reader on a line of their own, and a reader beside them whose line is good."""

    messages = 12

    def toxic(self) -> Toxic:
        """Each fault of a line says what it does to it."""
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
        """Each says what was seen."""
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
