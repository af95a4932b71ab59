"""The SQL of outgoing webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from folkmoot.database import Connection
from folkmoot.modules.webhooks.schemas import Webhook


@dataclass(frozen=True, slots=True)
class Target:
    """What a delivery needs to know. `keys` are the secrets that sign, the newest first."""

    id: int
    room_id: int
    epoch: str
    url: str
    state: str
    delivered_seq: int
    keys: tuple[bytes, ...]


async def insert(
    connection: Connection, *, room_id: int, url: str, delivered_seq: int, secret: bytes, user_id: int
) -> int:
    """Makes a webhook that is told what comes after `delivered_seq`, and returns its id."""
    hook_id: int = await connection.fetchval(
        """
        INSERT INTO webhooks (room_id, url, delivered_seq, secret, created_by)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING id
        """,
        room_id,
        url,
        delivered_seq,
        secret,
        user_id,
    )
    return hook_id


async def count_of_room(connection: Connection, room_id: int) -> int:
    """How many webhooks the room has. Locks the room, so that two at once do not pass a limit together."""
    await connection.execute("SELECT FROM rooms WHERE id = $1 FOR UPDATE", room_id)
    return int(await connection.fetchval("SELECT count(*) FROM webhooks WHERE room_id = $1", room_id))


async def hooks(connection: Connection) -> list[Webhook]:
    """All webhooks, by room."""
    rows = await connection.fetch(
        """
        SELECT h.id, h.room_id, r.name AS room, h.url, h.state, h.delivered_seq, r.head_seq, h.created_at,
               h.delivered_at, h.failures, h.failing_since, h.error
          FROM webhooks h
          JOIN rooms r ON r.id = h.room_id
         ORDER BY lower(r.name), h.id
        """
    )
    return [_hook(row) for row in rows]


async def find(connection: Connection, hook_id: int) -> Webhook | None:
    row = await connection.fetchrow(
        """
        SELECT h.id, h.room_id, r.name AS room, h.url, h.state, h.delivered_seq, r.head_seq, h.created_at,
               h.delivered_at, h.failures, h.failing_since, h.error
          FROM webhooks h
          JOIN rooms r ON r.id = h.room_id
         WHERE h.id = $1
        """,
        hook_id,
    )
    return _hook(row) if row else None


async def remove(connection: Connection, hook_id: int) -> bool:
    """False when there is no such webhook."""
    return bool(await connection.fetchval("DELETE FROM webhooks WHERE id = $1 RETURNING true", hook_id))


async def rotate(connection: Connection, hook_id: int, secret: bytes, both_s: float) -> bool:
    """Gives it another secret; the old one signs beside it for `both_s` seconds. False when there is no such."""
    return bool(
        await connection.fetchval(
            """
            UPDATE webhooks
               SET previous_secret = secret, previous_until = now() + make_interval(secs => $3), secret = $2
             WHERE id = $1
            RETURNING true
            """,
            hook_id,
            secret,
            both_s,
        )
    )


async def activate(connection: Connection, hook_id: int) -> bool:
    """Lets deliveries go on after failures, or after the receiver said it was gone. False when there is no such."""
    return bool(
        await connection.fetchval(
            """
            UPDATE webhooks SET state = 'active', failures = 0, failing_since = NULL, error = NULL
             WHERE id = $1
            RETURNING true
            """,
            hook_id,
        )
    )


async def target(connection: Connection, hook_id: int) -> Target | None:
    row = await connection.fetchrow(
        """
        SELECT h.id, h.room_id, r.epoch, h.url, h.state, h.delivered_seq, h.secret,
               CASE WHEN h.previous_until > now() THEN h.previous_secret END AS previous
          FROM webhooks h
          JOIN rooms r ON r.id = h.room_id
         WHERE h.id = $1
        """,
        hook_id,
    )
    if row is None:
        return None
    keys = tuple(key for key in (row["secret"], row["previous"]) if key is not None)
    return Target(row["id"], row["room_id"], row["epoch"], row["url"], row["state"], row["delivered_seq"], keys)


async def advance(connection: Connection, hook_id: int, after: int, seq: int) -> bool:
    """Remembers that the event after `after` was delivered. False when somebody else was there, or it is gone."""
    return bool(
        await connection.fetchval(
            """
            UPDATE webhooks
               SET delivered_seq = $3, delivered_at = now(), state = 'active',
                   failures = 0, failing_since = NULL, error = NULL
             WHERE id = $1 AND delivered_seq = $2 AND state <> 'gone'
            RETURNING true
            """,
            hook_id,
            after,
            seq,
        )
    )


async def note_failure(connection: Connection, hook_id: int, error: str) -> float:
    """Counts a failed delivery. Returns for how many seconds there have been failures and no success."""
    failing_s: float | None = await connection.fetchval(
        """
        UPDATE webhooks
           SET failures = failures + 1, failing_since = coalesce(failing_since, now()), error = $2
         WHERE id = $1
        RETURNING extract(epoch FROM now() - failing_since)::float8
        """,
        hook_id,
        error,
    )
    return failing_s or 0.0


async def set_failing(connection: Connection, hook_id: int) -> None:
    await connection.execute("UPDATE webhooks SET state = 'failing' WHERE id = $1 AND state = 'active'", hook_id)


async def set_gone(connection: Connection, hook_id: int, error: str) -> None:
    await connection.execute("UPDATE webhooks SET state = 'gone', error = $2 WHERE id = $1", hook_id, error)


async def active(connection: Connection) -> list[tuple[int, int]]:
    """The (room, webhook) pairs of all that are to be told."""
    rows = await connection.fetch("SELECT room_id, id FROM webhooks WHERE state = 'active' ORDER BY id")
    return [(row["room_id"], row["id"]) for row in rows]


async def behind(connection: Connection, among: Sequence[int] | None, limit: int) -> list[int]:
    """The active webhooks, of all or of those given, whose rooms have events that they were not told."""
    rows = await connection.fetch(
        """
        SELECT h.id
          FROM webhooks h
          JOIN rooms r ON r.id = h.room_id
         WHERE h.state = 'active' AND h.delivered_seq < r.head_seq AND ($1::bigint[] IS NULL OR h.id = ANY($1))
         ORDER BY h.id
         LIMIT $2
        """,
        among,
        limit,
    )
    return [row["id"] for row in rows]


def _hook(row: asyncpg.Record) -> Webhook:
    return Webhook(**row)
