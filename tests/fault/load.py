"""A load: people who write and people who read, in several rooms, and the judgement over what they saw."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.fault.checker import Report, check
from tests.fault.clients import ANSWER_S, GONE, Client, Notes
from tests.fault.crowd import Person
from tests.fault.history import History
from tests.fault.members import Reader, Writer, whole_log

QUICK_ANSWER_S = 3.3  # longer than a node may take to refuse
SETTLE_S = 30.0  # in which everything must be back: the sends known, the readers at the end of their rooms


@dataclass(frozen=True)
class Size:
    """Of each room: so many write, so many read."""

    rooms: int
    writers: int
    readers: int
    rate_per_s: float  # of one writer

    @property
    def people(self) -> int:
        return self.rooms * (self.writers + self.readers) + 1  # one writes who is in no room

    def members(self, people: Sequence[Person]) -> list[Sequence[Person]]:
        each = self.writers + self.readers
        return [people[start : start + each] for start in range(0, self.rooms * each, each)]


SHORT = Size(rooms=2, writers=3, readers=3, rate_per_s=8.0)
FULL = Size(rooms=10, writers=5, readers=10, rate_per_s=10.0)


class Load:
    """`async with load:` writes and reads until `settle`; `report` then judges."""

    def __init__(
        self,
        size: Size,
        people: Sequence[Person],
        rooms: Sequence[int],
        ports: Sequence[int],
        doors: Sequence[int],
        chance: random.Random,
        *,
        is_quick: bool = False,
    ) -> None:
        self.history = History()
        self.notes = Notes()
        self.writers: list[Writer] = []
        self.readers: list[Reader] = []
        self.rooms = list(rooms)
        self._ports = list(ports)
        self._chance = chance
        self.is_quick = is_quick
        self._enough = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._people: dict[int, Person] = {}
        for room, members in zip(rooms, size.members(people), strict=True):
            self._people[room] = members[-1]
            for number, person in enumerate(members):
                # Every other one goes through the door that faults can be put into, and half begin on each node.
                entrances = list(doors if number % 2 else ports)
                self._add(room, number, person, entrances[number // 2 % 2 :] + entrances[: number // 2 % 2], size)
        self._add_writer("stranger", people[-1], rooms[0], list(ports), rate_per_s=2.0)
        for port in ports:  # somebody who never goes elsewhere, and shows how the node is
            self._add_writer(f"local of {port}", self._people[rooms[0]], rooms[0], [port], rate_per_s=10.0)

    def _add(self, room: int, number: int, person: Person, ports: list[int], size: Size) -> None:
        if number < size.writers:
            self._add_writer(f"writer {room}.{number}", person, room, ports, rate_per_s=size.rate_per_s)
        else:
            name = f"reader {room}.{number}"
            given = (name, person, room, ports, self._random(), self.notes)
            self.readers.append(Reader(*given, history=self.history, patience_s=1.0 if self.is_quick else 10.0))

    def _add_writer(self, name: str, person: Person, room: int, ports: list[int], *, rate_per_s: float) -> None:
        given = (name, person, room, ports, self._random(), self.notes)
        self.writers.append(Writer(*given, history=self.history, rate_per_s=rate_per_s))
        self.writers[-1].answer_s = QUICK_ANSWER_S if self.is_quick else ANSWER_S

    def _random(self) -> random.Random:
        return random.Random(self._chance.random())  # noqa: S311 - chance, not secrecy

    async def __aenter__(self) -> Self:
        try:
            await asyncio.gather(*(client.connected() for client in self.clients))
        except BaseException:  # cancelled, too: those who did come must not stay
            await self._leave()
            raise
        self._tasks = [
            *(asyncio.create_task(reader.read(), name=reader.name) for reader in self.readers),
            *(asyncio.create_task(writer.write(self._enough), name=writer.name) for writer in self.writers),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        await self._leave()

    async def _leave(self) -> None:
        for client in self.clients:
            await client.leave()

    @property
    def locals(self) -> list[Writer]:
        """Those who never leave their node."""
        return [writer for writer in self.writers if len(writer.ports) == 1]

    @property
    def clients(self) -> list[Client]:
        return [*self.writers, *self.readers]

    async def settle(self, within_s: float = SETTLE_S) -> None:
        """Nobody writes any more; whoever was cut off comes back and reads to the end, unless it cannot."""
        self._enough.set()
        writing = self._tasks[len(self.readers) :]
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.wait(writing)
                for room in self.rooms:
                    await self._read_to_the_end(room)
        for task in self._tasks:  # readers and writers never end with an error but by a fault of ours
            if task.done():
                task.result()

    async def _read_to_the_end(self, room: int) -> None:
        heads = [offset for offset, _ in await self._whole_log(room)]
        readers = [reader for reader in self.readers if reader.room == room]
        while any((reader.offset or 0) < max(heads, default=0) for reader in readers):
            await asyncio.sleep(0.02)

    async def report(self, *, stale_s: float = float("inf")) -> Report:
        """Ends with a fresh reader on each node, who reads everything."""
        for room in self.rooms:
            for port in self._ports:
                for offset, key in await self._whole_log(room, port):
                    self.history.drain(f"drain of {port}", room, offset, key)
        return check(self.history.entries, stale_s=stale_s)

    async def _whole_log(self, room: int, port: int | None = None) -> list[tuple[int, str]]:
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                return await whole_log(self._people[room], room, port or self._chance.choice(self._ports))
            except (*GONE, KeyError):  # a node that cannot answer yet
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
