"""The SQL of notices."""

from folkmoot.database import Connection


async def addressee(connection: Connection, user_id: int) -> tuple[str, str] | None:
    """The name and the address of an account; None when there is nobody to write to."""
    row = await connection.fetchrow("SELECT name, email FROM users WHERE id = $1 AND role <> 'bot'", user_id)
    return (row["name"], row["email"]) if row else None
