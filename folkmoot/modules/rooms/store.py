"""The SQL of rooms. A member's room is only ever found through the member."""

from collections.abc import Sequence

import asyncpg

from folkmoot.database import Connection
from folkmoot.events.event import Person
from folkmoot.modules.rooms.schemas import Member, OpenRoom, Room, Visibility

# A count is a number on a page: it may cost a list of many rooms no more than a look at the end of each log.
COUNTED_EVENTS = 1_000
MOST_UNREAD = 100


async def insert(
    connection: Connection, *, name: str, topic: str, visibility: Visibility, welcome: bool = False
) -> int:
    """Makes a room with nobody in it, and returns its id."""
    room_id: int = await connection.fetchval(
        "INSERT INTO rooms (name, topic, visibility, welcome) VALUES ($1, $2, $3, $4) RETURNING id",
        name,
        topic,
        visibility,
        welcome,
    )
    return room_id


async def find(connection: Connection, user_id: int, room_id: int) -> Room | None:
    """The room, if the user is in it."""
    row = await connection.fetchrow(
        """
        SELECT r.id, r.name, r.topic, r.visibility, r.epoch, r.head_seq, m.read_seq,
               (SELECT count(*) FROM members WHERE room_id = r.id) AS members,
               (SELECT count(*)
                  FROM (SELECT
                          FROM events e
                         WHERE e.room_id = r.id AND e.seq > greatest(m.read_seq, r.head_seq - $3)
                           AND e.kind IN ('message', 'command') AND e.author_id <> m.user_id
                         LIMIT $4) AS news) AS unread
          FROM rooms r
          JOIN members m ON m.room_id = r.id AND m.user_id = $1
         WHERE r.id = $2
        """,
        user_id,
        room_id,
        COUNTED_EVENTS,
        MOST_UNREAD,
    )
    return _room(row) if row else None


async def of_user(connection: Connection, user_id: int) -> list[Room]:
    """The rooms the user is in, by name."""
    rows = await connection.fetch(
        """
        SELECT r.id, r.name, r.topic, r.visibility, r.epoch, r.head_seq, m.read_seq,
               (SELECT count(*) FROM members WHERE room_id = r.id) AS members,
               (SELECT count(*)
                  FROM (SELECT
                          FROM events e
                         WHERE e.room_id = r.id AND e.seq > greatest(m.read_seq, r.head_seq - $2)
                           AND e.kind IN ('message', 'command') AND e.author_id <> m.user_id
                         LIMIT $3) AS news) AS unread
          FROM rooms r
          JOIN members m ON m.room_id = r.id AND m.user_id = $1
         ORDER BY lower(r.name), r.id
        """,
        user_id,
        COUNTED_EVENTS,
        MOST_UNREAD,
    )
    return [_room(row) for row in rows]


async def open_to(connection: Connection, user_id: int) -> list[OpenRoom]:
    """The open rooms the user is not in, by name."""
    rows = await connection.fetch(
        """
        SELECT r.id, r.name, r.topic, (SELECT count(*) FROM members WHERE room_id = r.id) AS members
          FROM rooms r
         WHERE r.visibility = 'open'
           AND NOT EXISTS (SELECT FROM members WHERE room_id = r.id AND user_id = $1)
         ORDER BY lower(r.name), r.id
        """,
        user_id,
    )
    return [OpenRoom(**row) for row in rows]


async def lock_open(connection: Connection, room_id: int) -> bool:
    """Locks the room if anybody may join it; False when there is no such open room."""
    return bool(
        await connection.fetchval("SELECT true FROM rooms WHERE id = $1 AND visibility = 'open' FOR UPDATE", room_id)
    )


async def lock_mine(connection: Connection, user_id: int, room_id: int) -> bool:
    """Locks the room if the user is in it; False when it is not among theirs.

    The membership is locked too: who left while we waited for the room is not in it.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT true
              FROM rooms r
              JOIN members m ON m.room_id = r.id AND m.user_id = $1
             WHERE r.id = $2
               FOR UPDATE OF r, m
            """,
            user_id,
            room_id,
        )
    )


async def welcoming(connection: Connection) -> list[int]:
    """Locks the rooms that everybody is let into, in the order of their ids, which keeps us from a deadlock."""
    rows = await connection.fetch("SELECT id FROM rooms WHERE welcome ORDER BY id FOR UPDATE")
    return [row["id"] for row in rows]


async def person(connection: Connection, user_id: int) -> Person | None:
    """Somebody who can sign in."""
    row = await connection.fetchrow("SELECT id, name FROM users WHERE id = $1 AND disabled_at IS NULL", user_id)
    return Person(row["id"], row["name"]) if row else None


async def add_member(connection: Connection, room_id: int, user_id: int) -> bool:
    """Lets the user in; False when they are in already."""
    return bool(
        await connection.fetchval(
            """
            INSERT INTO members (room_id, user_id) VALUES ($1, $2)
            ON CONFLICT DO NOTHING
            RETURNING true
            """,
            room_id,
            user_id,
        )
    )


async def remove_member(connection: Connection, room_id: int, user_id: int) -> bool:
    """Takes the user out; False when they are not in."""
    return bool(
        await connection.fetchval(
            "DELETE FROM members WHERE room_id = $1 AND user_id = $2 RETURNING true", room_id, user_id
        )
    )


async def mark_read(connection: Connection, room_id: int, user_id: int, seq: int) -> int | None:
    """Moves the read position forward, never back and never past the head; None when the user is not in the room."""
    read_seq: int | None = await connection.fetchval(
        """
        UPDATE members m
           SET read_seq = greatest(m.read_seq, least($3, r.head_seq))
          FROM rooms r
         WHERE m.room_id = $1 AND m.user_id = $2 AND r.id = m.room_id
        RETURNING m.read_seq
        """,
        room_id,
        user_id,
        seq,
    )
    return read_seq


async def members(connection: Connection, room_id: int) -> list[Member]:
    """Who is in the room, by name."""
    rows = await connection.fetch(
        """
        SELECT u.id, u.name, m.joined_at
          FROM members m
          JOIN users u ON u.id = m.user_id
         WHERE m.room_id = $1
         ORDER BY lower(u.name), u.id
        """,
        room_id,
    )
    return [Member(person=Person(row["id"], row["name"]), joined_at=row["joined_at"]) for row in rows]


async def memberships(connection: Connection, user_ids: Sequence[int]) -> list[tuple[int, int]]:
    """The (user, room) pairs of these users' memberships, in the order of rooms."""
    rows = await connection.fetch(
        "SELECT user_id, room_id FROM members WHERE user_id = ANY($1::bigint[]) ORDER BY room_id", list(user_ids)
    )
    return [(row["user_id"], row["room_id"]) for row in rows]


async def count_memberships(connection: Connection, user_id: int) -> int:
    """In how many rooms the user is."""
    return int(await connection.fetchval("SELECT count(*) FROM members WHERE user_id = $1", user_id))


def _room(row: asyncpg.Record) -> Room:
    return Room(**row)
