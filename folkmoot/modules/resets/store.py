"""The SQL of links for a new password. Of their tokens only hashes are kept."""

from dataclasses import dataclass

from folkmoot.database import Connection


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter goes to."""

    user_id: int
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Found:
    """A link that was made once."""

    user_id: int
    email: str
    used: bool
    expired: bool
    over: bool


async def make(connection: Connection, email: str, token_hash: bytes, lifetime_s: int) -> Addressee | None:
    """Makes the one link of an account, in place of an earlier one; None when nobody signs in with that address."""
    row = await connection.fetchrow(
        """
        WITH whose AS (
            SELECT id, name, email, password
              FROM users
             WHERE email = $1 AND role <> 'bot' AND disabled_at IS NULL
        ), made AS (
            INSERT INTO password_resets (user_id, token_hash, password_hash, expires_at)
            SELECT id, $2, sha256(convert_to(password, 'UTF8')), now() + make_interval(secs => $3) FROM whose
            ON CONFLICT (user_id) DO UPDATE
               SET token_hash = excluded.token_hash, password_hash = excluded.password_hash,
                   expires_at = excluded.expires_at, used_at = NULL
            RETURNING user_id
        )
        SELECT whose.id, whose.name, whose.email FROM whose JOIN made ON made.user_id = whose.id
        """,
        email,
        token_hash,
        float(lifetime_s),
    )
    return Addressee(row["id"], row["name"], row["email"]) if row else None


async def find(connection: Connection, token_hash: bytes) -> Found | None:
    """What is known of a link."""
    row = await connection.fetchrow(
        """
        SELECT r.user_id, u.email, r.used_at IS NOT NULL AS used, r.expires_at <= now() AS expired,
               u.disabled_at IS NOT NULL OR r.password_hash <> sha256(convert_to(u.password, 'UTF8')) AS over
          FROM password_resets r
          JOIN users u ON u.id = r.user_id
         WHERE r.token_hash = $1
        """,
        token_hash,
    )
    return Found(**row) if row else None


async def use_up(connection: Connection, token_hash: bytes) -> bool:
    """Uses up a link that is good. False when somebody was faster, or the account has changed meanwhile."""
    return bool(
        await connection.fetchval(
            """
            UPDATE password_resets r
               SET used_at = now()
              FROM users u
             WHERE r.token_hash = $1 AND r.used_at IS NULL AND r.expires_at > now()
               AND u.id = r.user_id AND u.disabled_at IS NULL
               AND r.password_hash = sha256(convert_to(u.password, 'UTF8'))
            RETURNING true
            """,
            token_hash,
        )
    )
