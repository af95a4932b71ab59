"""The SQL of accounts."""

from dataclasses import dataclass

import asyncpg

from folkmoot.actions import Role
from folkmoot.database import Connection
from folkmoot.events.event import Person
from folkmoot.modules.accounts.schemas import Account


@dataclass(frozen=True, slots=True)
class Login:
    """What signing in needs of an account."""

    id: int
    email: str
    name: str
    role: Role
    password: str
    disabled: bool


async def find_login(connection: Connection, email: str) -> Login | None:
    """The account of an address in small letters."""
    row = await connection.fetchrow(
        "SELECT id, email, name, role, password, disabled_at IS NOT NULL AS disabled FROM users WHERE email = $1",
        email,
    )
    return Login(**row) if row else None


async def password_of(connection: Connection, user_id: int) -> str | None:
    """The hash of an account's password; None when it has none."""
    password: str | None = await connection.fetchval(
        "SELECT password FROM users WHERE id = $1 AND role <> 'bot' AND disabled_at IS NULL", user_id
    )
    return password


async def renew_password(connection: Connection, login: Login, password: str) -> bool:
    """Stores another hash of the same password. False when the account has another password by now."""
    return bool(
        await connection.fetchval(
            "UPDATE users SET password = $3 WHERE id = $1 AND password = $2 RETURNING true",
            login.id,
            login.password,
            password,
        )
    )


async def insert(connection: Connection, *, email: str, name: str, role: Role, password: str) -> Account | None:
    """Makes an account; None when the address is taken."""
    row = await connection.fetchrow(
        """
        INSERT INTO users (email, name, role, password, confirmed)
        VALUES ($1, $2, $3, $4, true)
        ON CONFLICT (email) DO NOTHING
        RETURNING id, email, name, role, created_on AT TIME ZONE 'utc' AS created_at, false AS disabled
        """,
        email,
        name,
        role,
        password,
    )
    return _account(row) if row else None


async def set_password(connection: Connection, user_id: int, password: str) -> bool:
    """Stores another hash. False when there is no such account, or only a bot, which has none."""
    return bool(
        await connection.fetchval(
            "UPDATE users SET password = $2 WHERE id = $1 AND role <> 'bot' RETURNING true", user_id, password
        )
    )


async def is_last_admin(connection: Connection, user_id: int) -> bool:
    """Whether nobody else could manage accounts without this one."""
    return bool(
        await connection.fetchval(
            """
            SELECT role = 'admin' AND disabled_at IS NULL
                   AND NOT EXISTS (SELECT FROM users WHERE id <> $1 AND role = 'admin' AND disabled_at IS NULL)
              FROM users
             WHERE id = $1
            """,
            user_id,
        )
    )


async def enable(connection: Connection, user_id: int) -> bool:
    """Opens the account again. False when there is no such account."""
    return bool(await connection.fetchval("UPDATE users SET disabled_at = NULL WHERE id = $1 RETURNING true", user_id))


async def disable(connection: Connection, user_id: int) -> bool:
    """Shuts the account. False when there is no such account."""
    return bool(
        await connection.fetchval(
            "UPDATE users SET disabled_at = coalesce(disabled_at, now()) WHERE id = $1 RETURNING true",
            user_id,
        )
    )


async def people(connection: Connection) -> list[Person]:
    """Everybody who can sign in, by name."""
    rows = await connection.fetch("SELECT id, name FROM users WHERE disabled_at IS NULL ORDER BY name, id")
    return [Person(row["id"], row["name"]) for row in rows]


async def accounts(connection: Connection) -> list[Account]:
    """Every account, oldest first."""
    rows = await connection.fetch(
        """
        SELECT id, email, name, role, created_on AT TIME ZONE 'utc' AS created_at, disabled_at IS NOT NULL AS disabled
          FROM users
         ORDER BY id
        """
    )
    return [_account(row) for row in rows]


async def has_admin(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM users WHERE role = 'admin')"))


async def lock_first_admin(connection: Connection) -> None:
    """Lets servers that start together make the first admin in turn, and nobody remove the last one meanwhile."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('folkmoot first admin'))")


def _account(row: asyncpg.Record) -> Account:
    return Account(**row)
