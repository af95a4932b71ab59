"""R18: many who were cut off come back within a few seconds; all get in soon, and each has exactly what was missed.

The short form has 400 in one second, which is the rate of the long one: 2,000 in five. Only the long one, on a machine
that does nothing else, says how soon: `STORM=2000 .venv/bin/python -m pytest tests/fault/test_accept_storm.py -s`
"""

import asyncio
import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import asyncpg

from folkmoot.settings import Settings
from tests.fault.checker import quantile
from tests.fault.crowd import Person, enrol, make_room
from tests.fault.nodes import serving
from tests.ports import free_port
from tests.realtime.support import TEXT, Raw, upgrade
from tests.realtime.wire import wired

CLIENTS = int(os.environ.get("STORM", "400"))
RATE_PER_S = 400
MISSED = 5
RESUMED_S = 5.0  # p99


@dataclass
class Storm:
    """Those who come back to one room, each from the same position."""

    port: int
    room: int
    epoch: str
    offset: int
    statuses: Counter[int] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)

    async def come_back(self, person: Person, after_s: float) -> None:
        await asyncio.sleep(after_s)
        began = time.monotonic()
        raw = await self._come_in()
        channel = f"room:{self.room}"
        since = {"recover": True, "offset": self.offset, "epoch": self.epoch}
        request = {"token": person.token, "subs": {channel: since}}
        raw.send(TEXT, json.dumps({"id": 1, "connect": request}).encode())
        reply = json.loads((await raw.read()).payload.split(b"\n")[0])
        self.took_s.append(time.monotonic() - began)
        sub = reply["connect"]["subs"][channel]
        assert sub["recovered"]
        offsets = [publication["offset"] for publication in sub["publications"]]
        assert offsets == list(range(self.offset + 1, self.offset + 1 + MISSED)), offsets

    async def _come_in(self) -> Raw:
        """Through the door, as often as it takes. A node that is too busy says when to come again."""
        while True:
            raw = await Raw.dial(self.port)
            raw.write(upgrade())
            answer = await raw.answer()
            self.statuses[answer.status] += 1
            if answer.status == 101:
                return raw
            assert answer.status == 503, answer
            raw.abort()
            await asyncio.sleep(float(answer.headers["retry-after"]))


async def test_a_storm_of_clients_that_come_back_is_let_in_soon(
    settings: Settings, migrated: None, tmp_path: Path
) -> None:
    database = await asyncpg.connect(settings.dsn)
    people = await enrol(database, CLIENTS + 1)
    room = await make_room(database, people)
    await database.close()
    places = {"dsn": settings.dsn, "redis_url": settings.redis_dsn}
    many = {"FOLKMOOT_SOCKETS_WAITING": str(CLIENTS)}  # of one address, which is ours
    async with (
        serving(free_port(), tmp_path / "node.log", settings=many, **places) as server,
        wired(server.port) as talking,
    ):
        position = (await talking.connect(people[0].token))["subs"][f"room:{room}"]
        for _ in range(MISSED):
            await talking.post(room, "missed", str(uuid4()))
        storm = Storm(server.port, room, position["epoch"], position.get("offset", 0))
        try:
            async with asyncio.TaskGroup() as group:
                for number, person in enumerate(people[1:]):
                    group.create_task(storm.come_back(person, number / RATE_PER_S))
        finally:
            Raw.hang_up()
        assert server.complaints() == []
    storm.took_s.sort()
    p99_s = quantile(storm.took_s, 0.99)
    print(f"{len(storm.took_s)} are back, p50 {quantile(storm.took_s, 0.5):.2f} s, p99 {p99_s:.2f} s; {storm.statuses}")
    assert len(storm.took_s) == CLIENTS
    assert p99_s < RESUMED_S or "STORM" not in os.environ
