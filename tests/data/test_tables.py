"""Insert, upsert, update, delete and fetch on a real database, with values that want to be more than values."""

import asyncio

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.data.databases import NamedDatabase
from folkmoot.data.statements import BadStatement

NO_SUCH_NAME = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    BadStatement,
)
EVIL = [
    "'; DROP TABLE shop.users; --",
    '"; DROP TABLE shop.users; --',
    "\\'; DROP TABLE shop.users; --",
    ":name",
    "$1",
    "$$; DROP TABLE shop.users; $$",
    "/* ' */",
    "' OR '1'='1",
    "\u02bc; DROP TABLE shop.users",
]


async def names(shop: NamedDatabase) -> list[str]:
    async with shop.connection() as tables:
        return [row["name"] for row in await tables.fetch_all("SELECT name FROM shop.users ORDER BY id")]


async def test_a_row_goes_in_is_changed_and_goes_again(shop: NamedDatabase) -> None:
    async with shop.connection() as tables:
        ada = await tables.insert("shop.users", {"name": "Ada", "email": None})
        assert ada == {"id": ada["id"], "name": "Ada", "email": None}
        assert await tables.update("shop.users", {"email": "ada@example.org"}, "name = :name", name="Ada") == 1
        assert await tables.update("shop.users", {"email": "x"}, "name = :name", name="Bob") == 0
        found = await tables.fetch_one("SELECT email FROM shop.users WHERE id = :id", id=ada["id"])
        assert found == {"email": "ada@example.org"}
        assert await tables.delete("shop.users", "id = :id", id=ada["id"]) == 1
        assert await tables.fetch_one("SELECT email FROM shop.users WHERE id = :id", id=ada["id"]) is None
        assert await tables.fetch_all("SELECT * FROM shop.users") == []


async def test_an_upsert_adds_once_and_changes_afterwards(shop: NamedDatabase) -> None:
    async with shop.connection() as tables:
        first = await tables.upsert("shop.users", {"name": "Ada", "email": "a@example.org"}, key=["name"])
        second = await tables.upsert("shop.users", {"name": "Ada", "email": "b@example.org"}, key=["name"])
        assert first["id"] == second["id"]
        assert second["email"] == "b@example.org"
        assert (await tables.upsert("shop.users", {"name": "Ada"}, key=["name"]))["email"] == "b@example.org"


async def test_upserts_at_the_same_time_make_one_row(shop: NamedDatabase) -> None:
    async def put(number: int) -> None:
        async with shop.transaction() as tables:
            await tables.upsert("shop.users", {"name": "Ada", "email": str(number)}, key=["name"])

    await asyncio.gather(*map(put, range(20)))
    assert await names(shop) == ["Ada"]


@pytest.mark.parametrize("key", [[], ["email"], ["id"]])
async def test_the_key_of_an_upsert_must_be_part_of_the_row(shop: NamedDatabase, key: list[str]) -> None:
    async with shop.connection() as tables:
        with pytest.raises(BadStatement, match="key"):
            await tables.upsert("shop.users", {"name": "Ada"}, key=key)


@pytest.mark.parametrize("where", ["", "  ", "\n\t", "-- all\n", "--", "/* all */", " ; ", "/* a */ -- b"])
async def test_an_update_or_delete_without_a_condition_is_refused(shop: NamedDatabase, where: str) -> None:
    async with shop.connection() as tables:
        await tables.insert("shop.users", {"name": "Ada"})
        with pytest.raises(BadStatement, match="must say which rows"):
            await tables.update("shop.users", {"name": "Bob"}, where)
        with pytest.raises(BadStatement, match="must say which rows"):
            await tables.delete("shop.users", where)
    assert await names(shop) == ["Ada"]


async def test_a_comment_at_the_end_of_a_condition_hides_nothing(shop: NamedDatabase) -> None:
    async with shop.connection() as tables:
        for name in ("Ada", "Bob"):
            await tables.insert("shop.users", {"name": name})
        assert await tables.delete("shop.users", "name = :name -- just her", name="Ada") == 1
    assert await names(shop) == ["Bob"]


@pytest.mark.parametrize("evil", EVIL)
async def test_values_stay_values(shop: NamedDatabase, evil: str) -> None:
    async with shop.connection() as tables:
        await tables.insert("shop.users", {"name": "Ada"})
        assert (await tables.insert("shop.users", {"name": evil}))["name"] == evil
        assert (await tables.upsert("shop.users", {"name": evil, "email": evil}, key=["name"]))["email"] == evil
        assert await tables.update("shop.users", {"email": evil}, "name = :name", name=evil) == 1
        found = await tables.fetch_all("SELECT name FROM shop.users WHERE name = :name", name=evil)
        assert found == [{"name": evil}]
        assert await tables.delete("shop.users", "name = :name", name=evil) == 1
    assert await names(shop) == ["Ada"]


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_comes_back_as_it_went(shop: NamedDatabase, text: str) -> None:
    async with shop.connection() as tables:
        assert await tables.fetch_one("SELECT :text::text AS it", text=text) == {"it": text}


@pytest.mark.parametrize("evil", EVIL)
async def test_names_stay_names(shop: NamedDatabase, evil: str) -> None:
    async with shop.connection() as tables:
        await tables.insert("shop.users", {"name": "Ada"})
        for ask in (
            lambda: tables.insert(evil, {"name": "x"}),
            lambda: tables.insert(f"shop.{evil}", {"name": "x"}),
            lambda: tables.insert("shop.users", {evil: "x"}),
            lambda: tables.upsert("shop.users", {"name": "x", evil: "x"}, key=["name"]),
            lambda: tables.upsert("shop.users", {evil: "x"}, key=[evil]),
            lambda: tables.update("shop.users", {evil: "x"}, "name = :name", name="Ada"),
            lambda: tables.update(evil, {"name": "x"}, "name = :name", name="Ada"),
            lambda: tables.delete(evil, "name = :name", name="Ada"),
        ):
            with pytest.raises(NO_SUCH_NAME):
                await ask()
    assert await names(shop) == ["Ada"]


async def test_odd_names_are_names_too(shop: NamedDatabase) -> None:
    async with shop.connection() as tables:
        row = {"a.b": 1, "select": "x", "more": {"deep": [1, None]}}
        assert await tables.insert('Odd "table', row) == row
        assert await tables.update('Odd "table', {"more": [1.5]}, '"a.b" = :id', id=1) == 1
        assert await tables.fetch_one('SELECT more FROM "Odd ""table"') == {"more": [1.5]}


async def test_a_statement_is_one_statement(shop: NamedDatabase) -> None:
    async with shop.connection() as tables:
        await tables.insert("shop.users", {"name": "Ada"})
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await tables.delete("shop.users", "name = :name); DELETE FROM shop.users; SELECT (1", name="x")
    assert await names(shop) == ["Ada"]


async def test_a_transaction_is_all_or_nothing(shop: NamedDatabase) -> None:
    async def write(*wanted: str | None) -> None:
        async with shop.transaction() as tables:
            for name in wanted:
                await tables.insert("shop.users", {"name": name})

    for wrong in (("Ada", "Ada"), ("Ada", None)):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await write(*wrong)
        assert await names(shop) == []
    await write("Ada")
    assert await names(shop) == ["Ada"]


async def test_what_a_session_was_told_is_forgotten(shop: NamedDatabase) -> None:
    async with shop.connection() as tables:
        await tables.connection.execute("SET search_path = shop; SET standard_conforming_strings = off")
    async with shop.connection() as tables:
        assert await tables.fetch_one("SELECT current_setting('search_path') AS it") == {"it": '"$user", public'}
        assert await tables.fetch_one("SHOW standard_conforming_strings") == {"standard_conforming_strings": "on"}
