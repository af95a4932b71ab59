"""What presence costs: commands, lines and memory."""

import sys
from collections import Counter
from math import ceil
from typing import Any
from uuid import uuid4

import pytest

from folkmoot.bus import Bus
from folkmoot.realtime import presence as presence_module
from folkmoot.realtime.presence import Presence
from folkmoot.realtime.watching import LARGEST
from folkmoot.settings import Settings
from tests.realtime.listeners import Listener
from tests.realtime.presence.nodes import tell


class Counting:
    """Counts what a node says to Redis for its presence."""

    def __init__(self, presence: Presence, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trips = 0
        self.commands: Counter[str] = Counter()
        self.values = 0
        make = presence._bus.redis.pipeline

        def pipeline(**options: Any) -> object:
            made = make(**options)
            execute = made.execute

            async def counted(**how: Any) -> object:
                self.trips += 1
                for arguments, _ in made.command_stack:
                    self.commands[str(arguments[0])] += 1
                    self.values += len(arguments)
                return await execute(**how)

            made.execute = counted  # type: ignore[method-assign, assignment]
            return made

        monkeypatch.setattr(presence._bus.redis, "pipeline", pipeline)


@pytest.mark.parametrize("already", [LARGEST, 4_000])
@pytest.mark.parametrize("joining", [500, 5_000])
async def test_joins_cost_what_they_are_however_many_are_there(
    driven: Presence, channel: str, monkeypatch: pytest.MonkeyPatch, joining: int, already: int
) -> None:
    watchers = [Listener() for _ in range(50)]
    for number, watcher in enumerate(watchers):
        driven.watch(channel, f"w{number}", watcher)
    for number in range(already):
        driven.enter(channel, f"there{number}", number)
    await tell(driven)
    before = [len(watcher.frames) for watcher in watchers]
    counting = Counting(driven, monkeypatch)
    for number in range(joining):
        driven.enter(channel, f"c{number}", number)
    await driven._write()
    assert counting.trips == 1
    assert counting.commands["HSET"] == joining / 500
    assert 2 * joining <= counting.values < 2.1 * joining, "each joiner and its user, and next to nothing besides"
    await tell(driven)
    assert [len(watcher.frames) for watcher in watchers] == before, "nobody is told of a crowd"


@pytest.mark.parametrize("rooms", [100, 400])
async def test_living_costs_one_command_however_many_are_there(
    driven: Presence, monkeypatch: pytest.MonkeyPatch, rooms: int
) -> None:
    prefix = uuid4().hex
    for room in range(rooms):
        for number in range(20):
            driven.enter(f"room:{prefix}{room}", f"c{number}", number)
    await driven._write()
    counting = Counting(driven, monkeypatch)
    for _ in range(3):
        await driven._renew()
        await driven._write()
    assert counting.commands == {"SET": 3}
    monkeypatch.setattr(presence_module, "FRESHEN_S", 0.0)
    await driven._renew()
    assert counting.commands == {"SET": 4, "EXPIRE": 2 * rooms}, "now and then two for each room, not for each member"
    assert counting.trips == 4 + ceil(rooms / 200)


async def test_lines_to_who_watches_do_not_grow_with_the_room(driven: Presence) -> None:
    """Everybody watches, and they come one after the other."""
    lines = {}
    for size in (300, 1_200):
        channel = f"room:{uuid4().hex}"
        everybody = [Listener() for _ in range(size)]
        for number, watcher in enumerate(everybody):
            driven.enter(channel, f"c{number}", number)
            driven.watch(channel, f"c{number}", watcher)
            if number % 25 == 24:
                await tell(driven)
        lines[size] = sum(len(watcher.lines) for watcher in everybody)
    assert 0 < lines[300] == lines[1_200] <= LARGEST * LARGEST


async def test_a_member_of_ten_rooms_takes_little_memory(settings: Settings) -> None:
    presence = Presence("a", Bus(settings.redis_dsn))
    rooms = [f"room:{number}" for number in range(100)]
    for member in range(2_000):
        client = uuid4().hex
        for turn in range(10):
            presence.enter(rooms[(member + turn) % 100], client, 1_000_000 + member)
    for roll in presence._rolls.values():
        roll.came = {}  # told
    size = sum(sys.getsizeof(roll) + sys.getsizeof(roll.clients) for roll in presence._rolls.values())
    assert size / 2_000 < 1_000
