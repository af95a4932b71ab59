"""The SQL of runs of commands: which were begun, so that none is begun twice."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from folkmoot.database import Connection


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gave: an event of this kind for the room, or a word to the caller alone."""

    kind: Literal["command", "message", "alone"]
    body: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was begun, how long ago, and what it gave if it has ended."""

    age_s: float
    outcome: Outcome | None


async def forget_old(connection: Connection, user_id: int) -> None:
    """Forgets runs of the user that nobody repeats any more."""
    await connection.execute(
        "DELETE FROM command_runs WHERE user_id = $1 AND started_at < now() - interval '1 day'", user_id
    )


async def begin(connection: Connection, user_id: int, room_id: int, client_id: UUID) -> bool:
    """Marks the run as begun; False when it was begun before."""
    return bool(
        await connection.fetchval(
            """
            INSERT INTO command_runs (user_id, room_id, client_id) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
            RETURNING true
            """,
            user_id,
            room_id,
            client_id,
        )
    )


async def find(connection: Connection, user_id: int, room_id: int, client_id: UUID) -> Run | None:
    """What is known of the run; None when it was not begun, or came to nothing."""
    row = await connection.fetchrow(
        """
        SELECT extract(epoch FROM now() - started_at)::float8 AS age_s, kind, body
          FROM command_runs
         WHERE user_id = $1 AND room_id = $2 AND client_id = $3
        """,
        user_id,
        room_id,
        client_id,
    )
    return Run(row["age_s"], Outcome(row["kind"], row["body"]) if row["kind"] else None) if row else None


async def keep(connection: Connection, user_id: int, room_id: int, client_id: UUID, outcome: Outcome) -> None:
    """Keeps what the run gave, before anybody is told: a repeat tells the same."""
    await connection.execute(
        "UPDATE command_runs SET kind = $4, body = $5 WHERE user_id = $1 AND room_id = $2 AND client_id = $3",
        user_id,
        room_id,
        client_id,
        outcome.kind,
        outcome.body,
    )


async def forget(connection: Connection, user_id: int, room_id: int, client_id: UUID) -> None:
    """Forgets a run that came to nothing: a repeat runs it."""
    await connection.execute(
        "DELETE FROM command_runs WHERE user_id = $1 AND room_id = $2 AND client_id = $3", user_id, room_id, client_id
    )
