"""The SQL of incoming hooks."""

from dataclasses import dataclass

import asyncpg

from folkmoot.database import Connection
from folkmoot.events.event import Person
from folkmoot.modules.incoming.schemas import Hook


@dataclass(frozen=True, slots=True)
class Target:
    """Where a hook leads: the room, and the bot that speaks there."""

    id: int
    room_id: int
    bot: Person


async def insert(connection: Connection, *, room_id: int, bot_id: int, made_by: int, token_hash: bytes) -> int:
    """Makes a hook, and returns its id."""
    hook_id: int = await connection.fetchval(
        "INSERT INTO incoming_hooks (room_id, bot_id, made_by, token_hash) VALUES ($1, $2, $3, $4) RETURNING id",
        room_id,
        bot_id,
        made_by,
        token_hash,
    )
    return hook_id


async def all_hooks(connection: Connection) -> list[Hook]:
    """Every hook, by the names of rooms and bots."""
    rows = await connection.fetch(
        """
        SELECT h.id, h.room_id, r.name AS room, h.bot_id, b.name AS bot, h.made_by, m.name AS maker,
               h.made_at, h.used_at
          FROM incoming_hooks h
          JOIN rooms r ON r.id = h.room_id
          JOIN users b ON b.id = h.bot_id
          JOIN users m ON m.id = h.made_by
         ORDER BY lower(r.name), r.id, lower(b.name), h.id
        """
    )
    return [_hook(row) for row in rows]


async def count_in(connection: Connection, room_id: int) -> int:
    """How many hooks lead into the room."""
    return int(await connection.fetchval("SELECT count(*) FROM incoming_hooks WHERE room_id = $1", room_id))


async def find(connection: Connection, token_hash: bytes) -> Target | None:
    """The hook of a token, unless its bot is disabled."""
    row = await connection.fetchrow(
        """
        SELECT h.id, h.room_id, b.id AS bot_id, b.name
          FROM incoming_hooks h
          JOIN users b ON b.id = h.bot_id AND b.disabled_at IS NULL
         WHERE h.token_hash = $1
        """,
        token_hash,
    )
    return Target(row["id"], row["room_id"], Person(row["bot_id"], row["name"])) if row else None


async def mark_used(connection: Connection, hook_id: int) -> None:
    """Remembers the use, to the minute."""
    await connection.execute(
        """
        UPDATE incoming_hooks
           SET used_at = now()
         WHERE id = $1 AND (used_at IS NULL OR used_at < now() - interval '1 minute')
        """,
        hook_id,
    )


async def delete(connection: Connection, hook_id: int) -> Target | None:
    """Takes the hook away, and says where it led; None when there is none."""
    row = await connection.fetchrow(
        """
        DELETE FROM incoming_hooks h
         USING users b
         WHERE h.id = $1 AND b.id = h.bot_id
        RETURNING h.id, h.room_id, b.id AS bot_id, b.name
        """,
        hook_id,
    )
    return Target(row["id"], row["room_id"], Person(row["bot_id"], row["name"])) if row else None


def _hook(row: asyncpg.Record) -> Hook:
    return Hook(
        id=row["id"],
        room_id=row["room_id"],
        room=row["room"],
        bot=Person(row["bot_id"], row["bot"]),
        made_by=Person(row["made_by"], row["maker"]),
        made_at=row["made_at"],
        used_at=row["used_at"],
    )
