"""The SQL of the log."""

from collections.abc import Collection, Sequence

import asyncpg

from folkmoot.database import Connection
from folkmoot.events.event import Draft, Event, Person, Position


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


async def append(connection: Connection, drafts: Sequence[Draft]) -> tuple[list[Event | None], list[Event]]:
    """Numbers the drafts in their order, writes them, and moves the heads of their rooms: all of it, or nothing.

    Returns an event for each draft: a new one, or the one that was written under the same identity before, or None when
    the author is not in the room. And the new ones. No two drafts may have the same identity.
    """
    ((seqs, moment),) = await connection.fetch(
        "SELECT seqs, moment FROM append_events($1, $2, $3, $4, $5)",
        [draft.room_id for draft in drafts],
        [draft.kind for draft in drafts],
        [draft.author.id for draft in drafts],
        [draft.client_id for draft in drafts],
        [draft.body for draft in drafts],
    )
    outcomes: list[Event | None] = [
        Event(draft.room_id, seq, draft.kind, draft.author, draft.client_id, draft.body, moment) if seq > 0 else None
        for draft, seq in zip(drafts, seqs, strict=True)
    ]
    fresh = [event for event in outcomes if event is not None]
    repeats = [place for place, seq in enumerate(seqs) if seq < 0] if len(fresh) < len(drafts) else []
    for place in repeats:
        outcomes[place] = await event_at(connection, drafts[place].room_id, -seqs[place])
    return outcomes, fresh


async def event_at(connection: Connection, room_id: int, seq: int) -> Event:
    """The event of that number, which must be there."""
    (row,) = await connection.fetch(
        """
        SELECT e.room_id, e.seq, e.kind, e.author_id, u.name, e.client_id, e.body, e.created_at
          FROM events e
          JOIN users u ON u.id = e.author_id
         WHERE e.room_id = $1 AND e.seq = $2
        """,
        room_id,
        seq,
    )
    return _event(row)


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


def _event(row: asyncpg.Record) -> Event:
    author = Person(row["author_id"], row["name"])
    return Event(row["room_id"], row["seq"], row["kind"], author, row["client_id"], row["body"], row["created_at"])
