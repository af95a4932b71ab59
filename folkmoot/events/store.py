"""The SQL of the log."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from folkmoot.database import Connection
from folkmoot.events.event import Draft, Event, Identity, Person, Position


@dataclass(slots=True)
class LockedRoom:
    """A room whose log nobody else can append to until our transaction ends."""

    head: int
    now: datetime


async def lock_rooms(connection: Connection, room_ids: Iterable[int]) -> dict[int, LockedRoom]:
    """Locks the rooms in the order of their ids, which is what keeps two writers from a deadlock.

    `now` is read after the wait for the lock, so that times follow the numbers.
    """
    rows = await connection.fetch(
        """
        WITH locked AS MATERIALIZED (
            SELECT id, head_seq FROM rooms WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
        )
        SELECT id, head_seq, clock_timestamp() AS now FROM locked
        """,
        sorted(set(room_ids)),
    )
    return {row["id"]: LockedRoom(row["head_seq"], row["now"]) for row in rows}


async def members_among(connection: Connection, pairs: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the (room, user) pairs where the user is in the room."""
    rows = await connection.fetch(
        """
        SELECT room_id, user_id
          FROM members
          JOIN unnest($1::bigint[], $2::bigint[]) AS asked (room_id, user_id) USING (room_id, user_id)
        """,
        [room_id for room_id, _ in pairs],
        [user_id for _, user_id in pairs],
    )
    return {(row["room_id"], row["user_id"]) for row in rows}


async def known_events(connection: Connection, identities: Sequence[Identity]) -> dict[Identity, Event]:
    """The events that were already appended under these (room, author, client id)."""
    rows = await connection.fetch(
        """
        SELECT e.room_id, e.seq, e.kind, e.author_id, u.name, e.client_id, e.body, e.created_at
          FROM unnest($1::bigint[], $2::bigint[], $3::uuid[]) AS asked (room_id, author_id, client_id)
          JOIN events e USING (room_id, author_id, client_id)
          JOIN users u ON u.id = e.author_id
        """,
        [room_id for room_id, _, _ in identities],
        [author_id for _, author_id, _ in identities],
        [client_id for _, _, client_id in identities],
    )
    events = [_event(row) for row in rows]
    return {(event.room_id, event.author.id, event.client_id): event for event in events}


async def append(connection: Connection, rooms: dict[int, LockedRoom], drafts: Sequence[Draft]) -> list[Event]:
    """Numbers the drafts in their order, writes them, and moves the heads of their rooms. The rooms must be locked."""
    events = [_numbered(draft, rooms[draft.room_id]) for draft in drafts]
    await connection.execute(
        """
        INSERT INTO events (room_id, seq, kind, author_id, client_id, body, created_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::text[],
                             $7::timestamptz[])
        """,
        [event.room_id for event in events],
        [event.seq for event in events],
        [event.kind for event in events],
        [event.author.id for event in events],
        [event.client_id for event in events],
        [event.body for event in events],
        [event.created_at for event in events],
    )
    touched = {event.room_id: event.seq for event in events}
    await connection.execute(
        """
        UPDATE rooms SET head_seq = moved.head_seq
          FROM unnest($1::bigint[], $2::bigint[]) AS moved (id, head_seq)
         WHERE rooms.id = moved.id
        """,
        list(touched),
        list(touched.values()),
    )
    return events


async def positions(connection: Connection, room_ids: Sequence[int]) -> dict[int, Position]:
    """Where the logs of these rooms end; rooms that are not there are not in the answer."""
    rows = await connection.fetch("SELECT id, epoch, head_seq FROM rooms WHERE id = ANY($1::bigint[])", list(room_ids))
    return {row["id"]: Position(row["epoch"], row["head_seq"]) for row in rows}


async def events_after(connection: Connection, room_id: int, seq: int, limit: int) -> list[Event]:
    """The first events after `seq`, oldest first."""
    rows = await connection.fetch(
        """
        SELECT e.room_id, e.seq, e.kind, e.author_id, u.name, e.client_id, e.body, e.created_at
          FROM events e
          JOIN users u ON u.id = e.author_id
         WHERE e.room_id = $1 AND e.seq > $2
         ORDER BY e.seq
         LIMIT $3
        """,
        room_id,
        seq,
        limit,
    )
    return [_event(row) for row in rows]


async def events_before(connection: Connection, room_id: int, seq: int, limit: int) -> list[Event]:
    """The last events before `seq`, newest first."""
    rows = await connection.fetch(
        """
        SELECT e.room_id, e.seq, e.kind, e.author_id, u.name, e.client_id, e.body, e.created_at
          FROM events e
          JOIN users u ON u.id = e.author_id
         WHERE e.room_id = $1 AND e.seq < $2
         ORDER BY e.seq DESC
         LIMIT $3
        """,
        room_id,
        seq,
        limit,
    )
    return [_event(row) for row in rows]


def _numbered(draft: Draft, room: LockedRoom) -> Event:
    room.head += 1
    return Event(draft.room_id, room.head, draft.kind, draft.author, draft.client_id, draft.body, room.now)


def _event(row: asyncpg.Record) -> Event:
    author = Person(row["author_id"], row["name"])
    return Event(row["room_id"], row["seq"], row["kind"], author, row["client_id"], row["body"], row["created_at"])
