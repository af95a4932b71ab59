"""People, sessions and rooms for a load, made in the database at once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True)
class Person:
    id: int
    token: str


async def enrol(database: "asyncpg.Connection[asyncpg.Record]", count: int) -> list[Person]:
    """Accounts that nobody can sign in to, each with a session of a day."""
    tokens = [secrets.token_urlsafe(32) for _ in range(count)]
    rows = await database.fetch(
        """
        INSERT INTO users (email, password, name)
        SELECT email, '!', 'Load' FROM unnest($1::text[]) AS given (email)
        RETURNING id
        """,
        [f"{secrets.token_hex(8)}@load.example.org" for _ in range(count)],
    )
    ids = [row["id"] for row in rows]
    await database.execute(
        """
        INSERT INTO sessions (user_id, token_hash, kind, address, user_agent, expires_at, idle_s)
        SELECT user_id, token_hash, 'program', '127.0.0.1', 'load', now() + interval '1 day', 86400
          FROM unnest($1::bigint[], $2::bytea[]) AS given (user_id, token_hash)
        """,
        ids,
        [hashlib.sha256(token.encode()).digest() for token in tokens],
    )
    return [Person(*each) for each in zip(ids, tokens, strict=True)]


async def make_room(database: "asyncpg.Connection[asyncpg.Record]", members: Sequence[Person]) -> int:
    room_id = int(
        await database.fetchval("INSERT INTO rooms (name, visibility) VALUES ('Load', 'private') RETURNING id")
    )
    await database.execute(
        "INSERT INTO members (room_id, user_id) SELECT $1, unnest($2::bigint[])",
        room_id,
        [person.id for person in members],
    )
    return room_id
