"""The SQL of second factors. Secrets are locked before they come here, and of codes there are only hashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from folkmoot.database import Connection
from folkmoot.keys import Locked
from folkmoot.modules.sessions.schemas import SignIn, User


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A second factor, in force or being set up, and what time it is. All nodes go by the clock of the database."""

    enrolment: UUID
    locked: Locked
    confirmed: bool
    now_s: float  # Unix time


async def enrol(connection: Connection, user_id: int, locked: Locked) -> bool:
    """Keeps a secret that is to be confirmed, instead of an earlier one. False when one is in force already."""
    return bool(
        await connection.fetchval(
            """
            INSERT INTO totp (user_id, key_id, secret) VALUES ($1, $2, $3)
            ON CONFLICT (user_id) DO UPDATE
               SET enrolment = gen_random_uuid(), key_id = $2, secret = $3, last_step = 0, made_at = now()
             WHERE totp.confirmed_at IS NULL
            RETURNING true
            """,
            user_id,
            locked.key_id,
            locked.box,
        )
    )


async def find(connection: Connection, user_id: int) -> Enrolled | None:
    row = await connection.fetchrow(
        """
        SELECT enrolment, key_id, secret, confirmed_at IS NOT NULL AS confirmed,
               extract(epoch FROM clock_timestamp())::float8 AS now_s
          FROM totp
         WHERE user_id = $1
        """,
        user_id,
    )
    if row is None:
        return None
    return Enrolled(row["enrolment"], Locked(row["key_id"], row["secret"]), row["confirmed"], row["now_s"])


async def is_on(connection: Connection, user_id: int) -> bool:
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM totp WHERE user_id = $1 AND confirmed_at IS NOT NULL)", user_id
        )
    )


async def accept(connection: Connection, user_id: int, enrolment: UUID, step: int) -> bool:
    """Uses up a step. False when it, or a later one, was used already: each code counts once, however many ask."""
    return bool(
        await connection.fetchval(
            """
            UPDATE totp SET last_step = $3
             WHERE user_id = $1 AND enrolment = $2 AND confirmed_at IS NOT NULL AND last_step < $3
            RETURNING true
            """,
            user_id,
            enrolment,
            step,
        )
    )


async def confirm(connection: Connection, user_id: int, enrolment: UUID, step: int) -> bool:
    """Puts a secret in force, and uses up the step of the code that did it. False when somebody was faster."""
    return bool(
        await connection.fetchval(
            """
            UPDATE totp SET last_step = $3, confirmed_at = now()
             WHERE user_id = $1 AND enrolment = $2 AND confirmed_at IS NULL AND last_step < $3
            RETURNING true
            """,
            user_id,
            enrolment,
            step,
        )
    )


async def replace_recovery_codes(connection: Connection, user_id: int, code_hashes: Sequence[bytes]) -> None:
    """Keeps these, and none of those before."""
    await connection.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
    await connection.execute(
        "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])", user_id, list(code_hashes)
    )


async def use_recovery_code(connection: Connection, user_id: int, code_hash: bytes) -> bool:
    """Uses up a recovery code. False when there is none like it, or it was used already."""
    return bool(
        await connection.fetchval(
            """
            UPDATE recovery_codes r SET used_at = now()
              FROM totp t
             WHERE r.user_id = $1 AND r.code_hash = $2 AND r.used_at IS NULL
               AND t.user_id = r.user_id AND t.confirmed_at IS NOT NULL
            RETURNING true
            """,
            user_id,
            code_hash,
        )
    )


async def state(connection: Connection, user_id: int) -> tuple[datetime | None, int]:
    """Since when it is in force, and how many recovery codes are left."""
    row = await connection.fetchrow(
        """
        SELECT confirmed_at,
               (SELECT count(*) FROM recovery_codes r WHERE r.user_id = t.user_id AND used_at IS NULL) AS codes
          FROM totp t
         WHERE user_id = $1
        """,
        user_id,
    )
    return (row["confirmed_at"], row["codes"]) if row else (None, 0)


async def delete(connection: Connection, user_id: int) -> bool:
    """Forgets the second factor, its recovery codes, and sign-ins that wait for a code. False when it was off."""
    await connection.execute("DELETE FROM sign_in_challenges WHERE user_id = $1", user_id)
    return bool(
        await connection.fetchval("DELETE FROM totp WHERE user_id = $1 RETURNING confirmed_at IS NOT NULL", user_id)
    )


async def email_of(connection: Connection, user_id: int) -> str | None:
    email: str | None = await connection.fetchval("SELECT email FROM users WHERE id = $1", user_id)
    return email


async def locked_otherwise(connection: Connection, key_id: str, limit: int) -> list[tuple[int, UUID, Locked]]:
    """Secrets that another key locks: whose, of which enrolment, and the secret."""
    rows = await connection.fetch(
        "SELECT user_id, enrolment, key_id, secret FROM totp WHERE key_id <> $1 ORDER BY user_id LIMIT $2",
        key_id,
        limit,
    )
    return [(row["user_id"], row["enrolment"], Locked(row["key_id"], row["secret"])) for row in rows]


async def lock_anew(connection: Connection, user_id: int, enrolment: UUID, locked: Locked) -> None:
    """Stores the same secret under another key, unless there is another secret by now."""
    await connection.execute(
        "UPDATE totp SET key_id = $3, secret = $4 WHERE user_id = $1 AND enrolment = $2",
        user_id,
        enrolment,
        locked.key_id,
        locked.box,
    )


@dataclass(frozen=True, slots=True)
class Challenge:
    """A sign-in whose password was right."""

    kind: SignIn
    user: User
    password: str  # the hash that is stored now, which is the one that was checked


async def add_challenge(
    connection: Connection,
    *,
    token_hash: bytes,
    user_id: int,
    kind: SignIn,
    password: str,
    lifetime_s: int,
) -> None:
    """Keeps a challenge, and forgets those that are over."""
    await connection.execute("DELETE FROM sign_in_challenges WHERE expires_at < now()")
    await connection.execute(
        """
        INSERT INTO sign_in_challenges (token_hash, user_id, kind, password_hash, expires_at)
        VALUES ($1, $2, $3, sha256(convert_to($4, 'UTF8')), now() + make_interval(secs => $5))
        """,
        token_hash,
        user_id,
        kind,
        password,
        float(lifetime_s),
    )


async def try_challenge(connection: Connection, token_hash: bytes, kind: str, tries: int) -> Challenge | None:
    """Counts a try. None when the challenge is over, or the account has another password or is disabled by now."""
    row = await connection.fetchrow(
        """
        UPDATE sign_in_challenges c SET tries = tries + 1
          FROM users u
         WHERE c.token_hash = $1 AND c.kind = $2 AND c.tries < $3 AND c.expires_at > now()
           AND u.id = c.user_id AND u.disabled_at IS NULL
           AND c.password_hash = sha256(convert_to(u.password, 'UTF8'))
        RETURNING c.kind, u.id, u.email, u.name, u.role, u.password
        """,
        token_hash,
        kind,
        tries,
    )
    if row is None:
        return None
    user = User(id=row["id"], email=row["email"], name=row["name"], role=row["role"])
    return Challenge(row["kind"], user, row["password"])


async def end_challenge(connection: Connection, token_hash: bytes) -> bool:
    """Uses up a challenge. False when somebody else did."""
    return bool(
        await connection.fetchval("DELETE FROM sign_in_challenges WHERE token_hash = $1 RETURNING true", token_hash)
    )
