"""Two roles in PostgreSQL: the owner of the schema, who migrates, and the one that servers sign in with.

The owner makes the other one when it is not there, gives it the password of DATABASE_URL, and lets it read and write.
So a database that had one role for everything gets the second by migrating it, and another password by migrating again.
"""

from base64 import b64encode
from functools import partial
from hashlib import pbkdf2_hmac, sha256
from hmac import digest
from secrets import token_bytes
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

import asyncpg

from folkmoot.database import Connection, patiently
from folkmoot.errors import CommandFailed
from folkmoot.migrations import locked
from folkmoot.migrations.rights import beyond, grant

ROUNDS = 4096  # PostgreSQL's own


async def let_servers_in(owner_dsn: str, dsn: str, *, within_s: float) -> None:
    """Makes the role of `dsn` one that may read and write, with the password that stands there, and no more.

    Raises CommandFailed when it is more than that, or the owner may not make it.
    """
    role, password = account_of(dsn)
    if not role:
        raise CommandFailed("DATABASE_URL must name its role: postgresql://ROLE:PASSWORD@host/name.")
    async with locked(owner_dsn) as owner:
        await grant(owner, role)  # takes from everybody what nobody needs, also when the role is not there yet
        if too_much := await beyond(owner, role):
            raise CommandFailed(
                f"The role {role} of DATABASE_URL {', '.join(too_much)}: it is not one for servers. Name another role "
                "in DATABASE_URL: it is made here when it is not there."
            )
        if not await signs_in(dsn, within_s):
            await _make(owner, role, password)
            await grant(owner, role)
    if not await signs_in(dsn, within_s):
        raise CommandFailed(
            f"PostgreSQL does not let {role} in with the password of DATABASE_URL, which it has: see its pg_hba.conf."
        )


async def signs_in(dsn: str, within_s: float) -> bool:
    """Whether role and password of an address are right. A PostgreSQL that is not there yet is waited for."""
    return await patiently(partial(_is_let_in, dsn), within_s)


def account_of(dsn: str) -> tuple[str, str]:
    """The role and the password that stand in an address; each may be missing."""
    parts = urlsplit(dsn)
    return unquote(parts.username or ""), unquote(parts.password or "")


async def _is_let_in(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    await connection.close()
    return True


async def _make(owner: Connection, role: str, password: str) -> None:
    """Makes the role, or gives it that password. The password itself is not sent: statements may be logged."""
    is_there = await owner.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role)
    statement = await owner.fetchval(
        "SELECT format('%s ROLE %I LOGIN PASSWORD %L', $1::text, $2::text, $3::text)",
        "ALTER" if is_there else "CREATE",
        role,
        verifier(password, token_bytes(16)) if password else None,
    )
    try:
        await owner.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        who = await owner.fetchval("SELECT current_user")
        what = f"give the role {role} its password" if is_there else f"make the role {role}"
        raise CommandFailed(
            f"{who} may not {what}. Let somebody who may do it: "
            f"{'ALTER' if is_there else 'CREATE'} ROLE {role} LOGIN PASSWORD '…', as in DATABASE_URL."
        ) from None


def verifier(password: str, salt: bytes) -> str:
    """What PostgreSQL keeps of a password (RFC 5803): it lets nobody in who reads it."""
    salted = pbkdf2_hmac("sha256", normalize("NFKC", password).encode(), salt, ROUNDS)
    stored = sha256(digest(salted, b"Client Key", "sha256")).digest()
    shown = [b64encode(part).decode() for part in (salt, stored, digest(salted, b"Server Key", "sha256"))]
    return "SCRAM-SHA-256${}:{}${}:{}".format(ROUNDS, *shown)
