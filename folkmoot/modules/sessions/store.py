"""The SQL of sessions. PostgreSQL holds the truth, and of tokens only their hashes."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from folkmoot.actions import Role
from folkmoot.database import Connection
from folkmoot.modules.sessions.schemas import Kind, Proof, Session, Token, User


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that still holds, and whose it is."""

    id: int
    user_id: int
    name: str
    role: Role
    expires_at_s: float  # Unix time
    scopes: list[str] | None = None  # of a token
    confirmed_at_s: float = 0.0  # Unix time
    has_second_factor: bool = False


async def insert(
    connection: Connection,
    *,
    user_id: int,
    token_hash: bytes,
    kind: Kind,
    address: str,
    user_agent: str,
    lifetime_s: int,
    idle_s: int,
    name: str = "",
    scopes: Sequence[str] | None = None,
    password: str | None = None,
    made_with: Sequence[Proof],
) -> Session | None:
    """Opens a session. Tokens have a name and scopes.

    None when the user is gone; and, if `password` is the hash that was checked, when the account has another one by now
    or is disabled. Whoever changes the account at the same time either finds the session, or comes first.
    """
    row = await connection.fetchrow(
        """
        INSERT INTO sessions
               (user_id, token_hash, kind, address, user_agent, expires_at, idle_s, name, scopes, made_with)
        SELECT id, $2, $3, $4, $5, now() + make_interval(secs => $6), $7, $8, $9, $11
          FROM users
         WHERE id = $1
           AND ($10::text IS NULL OR (password = $10 AND disabled_at IS NULL))
           FOR NO KEY UPDATE
        RETURNING id, kind, created_at, used_at, expires_at, address, user_agent, made_with, true AS current
        """,
        user_id,
        token_hash,
        kind,
        address,
        user_agent,
        float(lifetime_s),
        idle_s,
        name,
        scopes,
        password,
        made_with,
    )
    return _session(row) if row else None


async def renew(
    connection: Connection, user_id: int, session_id: int, token_hash: bytes, proof: Proof
) -> tuple[Session, bytes] | None:
    """Gives a sign-in another token, because its user has just given a proof. Returns it, and the hash of the old one.

    None when the session is gone, or is a token.
    """
    row = await connection.fetchrow(
        """
        UPDATE sessions s
           SET token_hash = $3,
               confirmed_at = clock_timestamp(),
               made_with = CASE WHEN $4 = ANY(s.made_with) THEN s.made_with ELSE s.made_with || $4::text END
          FROM (SELECT id, token_hash FROM sessions WHERE id = $2 AND user_id = $1 FOR NO KEY UPDATE) old
         WHERE s.id = old.id AND s.kind <> 'token'
        RETURNING s.id, s.kind, s.created_at, s.used_at, s.expires_at, s.address, s.user_agent, s.made_with,
                  true AS current, old.token_hash AS old_hash
        """,
        user_id,
        session_id,
        token_hash,
        proof,
    )
    return (_session(row), row["old_hash"]) if row else None


async def lock_account(connection: Connection, user_id: int) -> None:
    """Lets nobody sign in to the account, nor change it, until the transaction ends."""
    await connection.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id)


async def delete_sign_ins(connection: Connection, user_id: int, kept_id: int | None) -> list[tuple[int, bytes]]:
    """Ends the user's sign-ins, but for one; tokens stay. Returns (id, token hash) of the ended."""
    rows = await connection.fetch(
        """
        DELETE FROM sessions
         WHERE user_id = $1 AND kind <> 'token' AND id IS DISTINCT FROM $2
        RETURNING id, token_hash
        """,
        user_id,
        kept_id,
    )
    return [(row["id"], row["token_hash"]) for row in rows]


async def delete_beyond(connection: Connection, user_id: int, kept: int) -> list[tuple[int, bytes]]:
    """Ends the user's oldest sign-ins beyond `kept`. Returns (id, token hash) of the ended."""
    rows = await connection.fetch(
        """
        DELETE FROM sessions
         WHERE id IN (
             SELECT id FROM sessions
              WHERE user_id = $1 AND kind <> 'token'
              ORDER BY used_at DESC, id DESC
             OFFSET $2
         )
        RETURNING id, token_hash
        """,
        user_id,
        kept,
    )
    return [(row["id"], row["token_hash"]) for row in rows]


async def touch(connection: Connection, token_hashes: Sequence[bytes]) -> dict[bytes, LiveSession]:
    """Those of the sessions that still hold, by the hashes of their tokens. They are in use, and are marked so.

    About once a minute is enough; and who looks one up waits neither for others who mark it nor for who ends it.
    """
    rows = await connection.fetch(
        """
        WITH live AS (
            SELECT s.token_hash, s.id, s.user_id, u.name, u.role,
                   extract(epoch FROM s.expires_at)::float8 AS expires_at_s, s.scopes,
                   extract(epoch FROM s.confirmed_at)::float8 AS confirmed_at_s,
                   EXISTS (
                       SELECT FROM totp WHERE totp.user_id = s.user_id AND totp.confirmed_at IS NOT NULL
                   ) AS has_second_factor,
                   s.used_at < now() - least(interval '1 minute', make_interval(secs => s.idle_s / 4.0)) AS is_due
              FROM sessions s
              JOIN users u ON u.id = s.user_id
             WHERE s.token_hash = ANY($1::bytea[])
               AND u.disabled_at IS NULL
               AND s.expires_at > now()
               AND s.used_at + make_interval(secs => s.idle_s) > now()
        ), due AS (
            SELECT id FROM sessions WHERE id IN (SELECT id FROM live WHERE is_due) FOR NO KEY UPDATE SKIP LOCKED
        ), marked AS (
            UPDATE sessions SET used_at = now() WHERE id IN (SELECT id FROM due)
        )
        SELECT token_hash, id, user_id, name, role, expires_at_s, scopes, confirmed_at_s, has_second_factor FROM live
        """,
        list(token_hashes),
    )
    return {token_hash: LiveSession(*live) for token_hash, *live in rows}


async def keep_alive(connection: Connection, session_ids: Sequence[int]) -> set[int]:
    """Those of the sessions that still hold. They are in use, and are marked so about once an hour."""
    rows = await connection.fetch(
        """
        WITH live AS (
            SELECT s.id, s.used_at < now() - least(interval '1 hour', make_interval(secs => s.idle_s / 4.0)) AS is_due
              FROM sessions s
              JOIN users u ON u.id = s.user_id
             WHERE s.id = ANY($1::bigint[])
               AND u.disabled_at IS NULL
               AND s.expires_at > now()
               AND s.used_at + make_interval(secs => s.idle_s) > now()
        ), marked AS (
            UPDATE sessions SET used_at = now()
             WHERE id IN (SELECT id FROM live WHERE is_due)
        )
        SELECT id FROM live
        """,
        list(session_ids),
    )
    return {row["id"] for row in rows}


async def current(connection: Connection, user_id: int, session_id: int) -> tuple[User, Session] | None:
    """The user and the session, if both are still there."""
    row = await connection.fetchrow(
        """
        SELECT s.id, s.kind, s.created_at, s.used_at, s.expires_at, s.address, s.user_agent, s.made_with,
               true AS current, u.id AS user_id, u.email, u.name, u.role
          FROM sessions s
          JOIN users u ON u.id = s.user_id
         WHERE s.id = $2 AND s.user_id = $1
        """,
        user_id,
        session_id,
    )
    if row is None:
        return None
    return User(id=row["user_id"], email=row["email"], name=row["name"], role=row["role"]), _session(row)


async def token_hash_of(connection: Connection, user_id: int, session_id: int) -> bytes | None:
    """The hash under which the session is known."""
    token_hash: bytes | None = await connection.fetchval(
        "SELECT token_hash FROM sessions WHERE user_id = $1 AND id = $2", user_id, session_id
    )
    return token_hash


async def of_user(connection: Connection, user_id: int, current_id: int) -> list[Session]:
    """The user's sign-ins that still hold, last used first."""
    rows = await connection.fetch(
        """
        SELECT id, kind, created_at, used_at, expires_at, address, user_agent, made_with, id = $2 AS current
          FROM sessions
         WHERE user_id = $1
           AND kind <> 'token'
           AND expires_at > now()
           AND used_at + make_interval(secs => idle_s) > now()
         ORDER BY used_at DESC, id DESC
        """,
        user_id,
        current_id,
    )
    return [_session(row) for row in rows]


async def tokens_of(connection: Connection, user_id: int) -> list[Token]:
    """The user's tokens that still hold, the newest first."""
    rows = await connection.fetch(
        """
        SELECT id, name, scopes, created_at, CASE WHEN used_at > created_at THEN used_at END AS used_at, expires_at
          FROM sessions
         WHERE user_id = $1 AND kind = 'token' AND expires_at > now()
         ORDER BY id DESC
        """,
        user_id,
    )
    return [Token(**dict(row)) for row in rows]


async def delete(connection: Connection, user_id: int, session_id: int) -> bytes | None:
    """Ends one session of the user. Returns its token hash, or None when the user has no such session."""
    token_hash: bytes | None = await connection.fetchval(
        "DELETE FROM sessions WHERE user_id = $1 AND id = $2 RETURNING token_hash", user_id, session_id
    )
    return token_hash


async def delete_token(connection: Connection, user_id: int, token_id: int) -> bytes | None:
    """Ends one token of the user. Returns its hash, or None when the user has no such token."""
    token_hash: bytes | None = await connection.fetchval(
        "DELETE FROM sessions WHERE user_id = $1 AND id = $2 AND kind = 'token' RETURNING token_hash", user_id, token_id
    )
    return token_hash


async def delete_all(connection: Connection, user_id: int) -> list[tuple[int, bytes]]:
    """Ends all sessions of the user. Returns (id, token hash) of each."""
    rows = await connection.fetch("DELETE FROM sessions WHERE user_id = $1 RETURNING id, token_hash", user_id)
    return [(row["id"], row["token_hash"]) for row in rows]


def _session(row: asyncpg.Record | None) -> Session:
    if row is None:
        raise LookupError("PostgreSQL gave no row for a session it made")
    return Session(**{name: row[name] for name in Session.__struct_fields__})
