"""The SQL of the example."""

from folkmoot.data.tables import Tables

from .schemas import User


async def put(tables: Tables, *, name: str, email: str | None) -> None:
    """Writes a user down; who is there already is seen again, and gets the new address."""
    await tables.upsert("example.users", {"name": name, "email": email}, key=["name"])


async def by_name(tables: Tables) -> list[User]:
    """All users, by name."""
    rows = await tables.fetch_all("SELECT name, email, seen_at FROM example.users ORDER BY lower(name), name")
    return [User(**row) for row in rows]
