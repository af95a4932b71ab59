"""`python -m tests.fault.maimed PART serve`: a node without one part of what keeps its promises.

Runs against it must be reported as failing, or the checker proves nothing. `whole` takes nothing away. Each node also
says how many tasks it has when it gets SIGUSR1, in the file that FOLKMOOT_TASKS names.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from folkmoot.__main__ import main
from folkmoot.database import Connection
from folkmoot.events import store
from folkmoot.events.event import Draft, Event
from folkmoot.realtime import subscribing
from folkmoot.realtime.broker import Broker

LOST = 0.2  # of what comes over the bus
COMMIT_S = 0.03  # at most between a number and its commit


def publish_only() -> None:
    """Whatever the bus brings is delivered as it comes; nobody looks into the log for what it did not bring."""
    heard = Broker._heard

    def deliver(self: Broker, name: str, first: int, lines: list[bytes]) -> None:
        channel = self._hub.channels.get(name)
        if channel is not None and lines:
            self._hub.say(channel, first, lines) if first else self._hub.say_ephemeral(channel, lines)

    def sometimes_heard(self: Broker, payload: bytes) -> None:
        if random.random() > LOST:  # noqa: S311 - chance, not secrecy
            heard(self, payload)

    async def nothing(*_: object) -> Any:
        return []

    Broker._deliver = deliver  # type: ignore[method-assign]
    Broker._heard = sometimes_heard  # type: ignore[method-assign]
    Broker._sweep = nothing  # type: ignore[method-assign]
    Broker.align = nothing  # type: ignore[method-assign]
    subscribing._missed = nothing


def bigserial() -> None:
    """Numbers come from a sequence, as those of bigserial do: taken before the commit, and visible after it."""

    async def look_at_rooms(connection: Connection, room_ids: Sequence[int]) -> dict[int, store.LockedRoom]:
        rows = await connection.fetch(
            "SELECT id, clock_timestamp() AS now FROM rooms WHERE id = ANY($1::bigint[])", list(room_ids)
        )
        return {row["id"]: store.LockedRoom(0, row["now"]) for row in rows}

    async def append(
        connection: Connection, rooms: dict[int, store.LockedRoom], drafts: Sequence[Draft]
    ) -> list[Event]:
        events = []
        for draft in drafts:
            # A sequence for each room, so that the log has the shape that readers know.
            await connection.execute(f"CREATE SEQUENCE IF NOT EXISTS serial_{draft.room_id}")
            seq = await connection.fetchval(f"SELECT nextval('serial_{draft.room_id}')")
            now = rooms[draft.room_id].now
            events.append(Event(draft.room_id, seq, draft.kind, draft.author, draft.client_id, draft.body, now))
        for event in events:
            await connection.execute(
                "INSERT INTO events (room_id, seq, kind, author_id, client_id, body, created_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                *(event.room_id, event.seq, event.kind, event.author.id, event.client_id, event.body, event.created_at),
            )
        await asyncio.sleep(random.random() * COMMIT_S)  # noqa: S311 - chance, not secrecy
        for event in events:
            await connection.execute(
                "UPDATE rooms SET head_seq = greatest(head_seq, $2) WHERE id = $1", event.room_id, event.seq
            )
        return events

    store.lock_rooms = look_at_rooms  # type: ignore[assignment]
    store.append = append


def count_tasks(*_: object) -> None:
    count = len(asyncio.all_tasks(asyncio.get_running_loop()))
    Path(os.environ["FOLKMOOT_TASKS"]).write_text(str(count))


PARTS = {"whole": lambda: None, "publish-only": publish_only, "bigserial": bigserial}

if __name__ == "__main__":
    PARTS[sys.argv.pop(1)]()
    if "FOLKMOOT_TASKS" in os.environ:
        signal.signal(signal.SIGUSR1, count_tasks)
    main()
