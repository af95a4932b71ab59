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

from folkmoot.cli import main
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
    Broker._sweep = nothing  # type: ignore[assignment, method-assign]
    Broker.align = nothing  # type: ignore[assignment, method-assign]
    subscribing._missed = nothing  # type: ignore[assignment]


def bigserial() -> None:
    """Numbers come from a sequence, as those of bigserial do: taken before the commit, and visible after it."""

    async def append(connection: Connection, drafts: Sequence[Draft]) -> tuple[list[Event | None], list[Event]]:
        members = await store.members_among(connection, [(draft.room_id, draft.author.id) for draft in drafts])
        async with connection.transaction():
            events = [
                await insert(connection, draft) if (draft.room_id, draft.author.id) in members else None
                for draft in drafts
            ]
            fresh = [event for event in events if event is not None]
            await asyncio.sleep(random.random() * COMMIT_S)  # noqa: S311 - chance, not secrecy
            for event in fresh:
                await connection.execute(
                    "UPDATE rooms SET head_seq = greatest(head_seq, $2) WHERE id = $1", event.room_id, event.seq
                )
        return events, fresh

    async def insert(connection: Connection, draft: Draft) -> Event:
        # A sequence for each room, so that the log has the shape that readers know.
        await connection.execute(f"CREATE SEQUENCE IF NOT EXISTS serial_{draft.room_id}")
        row = await connection.fetchrow(
            """
            INSERT INTO events (room_id, seq, kind, author_id, client_id, body, created_at)
            VALUES ($1, nextval($2), $3, $4, $5, $6, clock_timestamp())
            RETURNING seq, created_at
            """,
            draft.room_id,
            f"serial_{draft.room_id}",
            draft.kind,
            draft.author.id,
            draft.client_id,
            draft.body,
        )
        assert row is not None
        at = row["created_at"]
        return Event(draft.room_id, row["seq"], draft.kind, draft.author, draft.client_id, draft.body, at)

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
