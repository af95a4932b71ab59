"""What an action does with the tables of a database, on a connection that it was lent."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from folkmoot.data.statements import BadStatement, arguments, compiled, quoted, quoted_table
from folkmoot.database import Connection

Row = dict[str, Any]
NOTHING = re.compile(r"(\s|;|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)


class Tables:
    """Statements with parameters by name: `await tables.fetch_one("SELECT ... WHERE id = :id", id=5)`.

    A parameter that PostgreSQL cannot tell the type of is given one: `:since::timestamptz`. `connection` is asyncpg's,
    for what is not here.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def fetch_all(self, sql: str, /, **parameters: object) -> list[Row]:
        """All rows, each with its columns by name."""
        statement, names = compiled(sql)
        return [dict(row) for row in await self.connection.fetch(statement, *arguments(sql, names, parameters))]

    async def fetch_one(self, sql: str, /, **parameters: object) -> Row | None:
        """The first row, or None when there is none."""
        statement, names = compiled(sql)
        row = await self.connection.fetchrow(statement, *arguments(sql, names, parameters))
        return None if row is None else dict(row)

    async def insert(self, table: str, row: Mapping[str, object], /) -> Row:
        """Adds a row, and gives it as it is stored. `table` may be `schema.table`."""
        return await self._written(_insert(table, row), row)

    async def upsert(self, table: str, row: Mapping[str, object], /, *, key: Collection[str]) -> Row:
        """Adds a row, or changes the one that has its key already, and gives it as it is stored.

        `key` names the columns of a unique index, all of them part of the row.
        """
        if not key or not set(key) <= row.keys():
            raise BadStatement(f"The key of an upsert into {table} must be columns of the row.")
        changed = [name for name in row if name not in key] or list(key)  # or no row would come back
        sets = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in changed)
        conflict = f" ON CONFLICT ({', '.join(map(quoted, key))}) DO UPDATE SET {sets}"
        return await self._written(_insert(table, row) + conflict, row)

    async def update(self, table: str, changes: Mapping[str, object], where: str, /, **parameters: object) -> int:
        """Changes the rows that fit the condition, and says how many. A condition there must be: else BadStatement.

        `await tables.update("shop.users", {"email": None}, "id = :id", id=5)`
        """
        if not changes:
            raise BadStatement(f"An update of {table} must change something.")
        condition, values = _condition(where, parameters)
        sets = ", ".join(f"{quoted(name)} = ${number}" for number, name in enumerate(changes, len(values) + 1))
        # Names are quoted, and values sent beside the statement.
        statement = f"UPDATE {quoted_table(table)} SET {sets} WHERE {condition}"  # noqa: S608
        return _count(await self.connection.execute(statement, *values, *changes.values()))

    async def delete(self, table: str, where: str, /, **parameters: object) -> int:
        """Removes the rows that fit the condition, and says how many. A condition there must be."""
        condition, values = _condition(where, parameters)
        statement = f"DELETE FROM {quoted_table(table)} WHERE {condition}"  # noqa: S608  # as above
        return _count(await self.connection.execute(statement, *values))

    async def _written(self, statement: str, row: Mapping[str, object]) -> Row:
        written = await self.connection.fetchrow(f"{statement} RETURNING *", *row.values())
        if written is None:
            raise BadStatement("A trigger of the table kept the row from being written.")
        return dict(written)


def _insert(table: str, row: Mapping[str, object]) -> str:
    if not row:
        return f"INSERT INTO {quoted_table(table)} DEFAULT VALUES"
    columns = ", ".join(map(quoted, row))
    numbers = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    return f"INSERT INTO {quoted_table(table)} ({columns}) VALUES ({numbers})"  # noqa: S608  # names are quoted


def _condition(where: str, parameters: Mapping[str, object]) -> tuple[str, Sequence[object]]:
    """The condition in brackets of its own, and its values."""
    if NOTHING.fullmatch(where):
        raise BadStatement("An update or delete must say which rows it means.")
    condition, names = compiled(where)
    return f"({condition}\n)", arguments(where, names, parameters)  # the line ends a comment


def _count(status: str) -> int:
    """How many rows a statement changed, of an answer as `UPDATE 3`."""
    return int(status.rpartition(" ")[2])
