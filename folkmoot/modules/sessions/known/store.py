"""The SQL of known browsers. Of their tokens only hashes are kept."""

from folkmoot.database import Connection


async def is_known(connection: Connection, email: str, token_hash: bytes) -> bool:
    """Whether somebody has signed in with this browser to the account of that address."""
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM known_devices d JOIN users u ON u.id = d.user_id WHERE d.token_hash = $2 AND u.email = $1
            )
            """,
            email,
            token_hash,
        )
    )


async def is_somewhere_new(connection: Connection, user_id: int, token_hash: bytes) -> bool:
    """Whether the user has signed in with browsers, and not with this one."""
    return bool(
        await connection.fetchval(
            "SELECT count(*) > 0 AND NOT bool_or(token_hash = $2) FROM known_devices WHERE user_id = $1",
            user_id,
            token_hash,
        )
    )


async def mark(connection: Connection, user_id: int, token_hash: bytes) -> bool:
    """Marks that the user has used the browser. False when it is not known as theirs."""
    return bool(
        await connection.fetchval(
            "UPDATE known_devices SET used_at = now() WHERE user_id = $1 AND token_hash = $2 RETURNING true",
            user_id,
            token_hash,
        )
    )


async def is_ours(connection: Connection, token_hash: bytes) -> bool:
    """Whether the token is one that we have given, to whomever."""
    return bool(
        await connection.fetchval("SELECT EXISTS (SELECT FROM known_devices WHERE token_hash = $1)", token_hash)
    )


async def add(connection: Connection, user_id: int, token_hash: bytes, most: int) -> None:
    """Knows a browser, and no more than `most` of the user: those used longest ago are forgotten."""
    await connection.execute(
        "INSERT INTO known_devices (user_id, token_hash) VALUES ($1, $2) ON CONFLICT DO NOTHING", user_id, token_hash
    )
    await connection.execute(
        """
        DELETE FROM known_devices
         WHERE user_id = $1
           AND token_hash IN (
               SELECT token_hash FROM known_devices WHERE user_id = $1 ORDER BY used_at DESC, token_hash OFFSET $2
           )
        """,
        user_id,
        most,
    )


async def delete_all(connection: Connection, user_id: int) -> None:
    """Knows none of the user's browsers any more."""
    await connection.execute("DELETE FROM known_devices WHERE user_id = $1", user_id)
