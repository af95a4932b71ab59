"""Databases by name: pooled, there when they are asked, and never an empty answer when they are not."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.data.databases import Databases
from folkmoot.errors import Unavailable
from folkmoot.settings import BadSettings, load_settings
from tests.conftest import Start
from tests.modules.written import write_module
from tests.people import assert_problem, enrol
from tests.relay import relay_of_postgres

ACTIONS = '''
from folkmoot.actions import Call, Nothing, action


@action()
async def all_users(call: Call, given: Nothing) -> list[str]:
    """Everybody in the shop, by name."""
    async with call.core.databases["shop"].connection() as tables:
        return [row["name"] for row in await tables.fetch_all("SELECT name FROM shop.users ORDER BY name")]
'''


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("shop", "each must read"),
        ("=postgresql://x", "each must read"),
        ("Shop=postgresql://x", "each must read"),
        ("main=postgresql://x", "named already"),
        ("a=postgresql://x a=postgresql://y", "named already"),
        ("a=mysql://user:hidden@x/y", "starts with postgresql://"),
        ("a=", "starts with postgresql://"),
    ],
)
def test_settings_that_name_no_database_are_refused_and_not_repeated(given: str, says: str) -> None:
    with pytest.raises(BadSettings, match=says) as caught:
        load_settings(databases=given)
    assert "FOLKMOOT_DATABASES" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_names_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "databases"
    named.write_text("shop=postgresql://u:p@h/one?sslmode=require\nstats=postgresql://h1,h2/two\n")
    monkeypatch.setenv("FOLKMOOT_DATABASES_FILE", str(named))
    settings = load_settings(database_url="postgresql:///own")
    assert settings.named_dsns == {
        "main": "postgresql:///own",
        "shop": "postgresql://u:p@h/one?sslmode=require",
        "stats": "postgresql://h1,h2/two",
    }
    assert "u:p" not in repr(settings)


async def test_connections_are_pooled_and_bounded(databases: Databases) -> None:
    async def backend() -> int:
        async with databases["shop"].connection() as tables:
            row = await tables.fetch_one("SELECT pg_backend_pid() AS pid, pg_sleep(0.01)")
        return int(row["pid"]) if row else 0

    assert len(set(await asyncio.gather(*(backend() for _ in range(20))))) <= 3
    async with databases["main"].connection() as tables:
        assert await tables.fetch_one("SELECT current_database() AS it") == {"it": "folkmoot"}


@pytest.mark.parametrize(
    "dsn",
    ["postgresql://127.0.0.1:1/none", "postgresql://u:p@nowhere.invalid/none"],
)
async def test_a_database_that_is_not_there_keeps_nothing_from_starting(dsn: str) -> None:
    databases = Databases({"shop": dsn}, size=2, wait_s=0.5)
    await databases.open()
    for lend in (databases["shop"].connection, databases["shop"].transaction):
        with pytest.raises(Unavailable):
            async with lend():
                pass
    await databases.close()


async def test_one_that_does_not_let_us_in_is_unavailable(shop_dsn: str) -> None:
    databases = Databases({"shop": shop_dsn.replace("/test_", "/nothing_")}, size=2, wait_s=2)
    await databases.open()
    with pytest.raises(Unavailable, match="'shop' does not let us in"):
        async with databases["shop"].connection():
            pass
    await databases.close()


async def test_one_that_has_no_name_here_is_unavailable(databases: Databases) -> None:
    with pytest.raises(Unavailable, match="no database 'stats'"):
        databases["stats"]


async def test_a_value_of_the_wrong_kind_is_no_sign_of_an_absent_database(databases: Databases) -> None:
    async with databases["shop"].connection() as tables:
        with pytest.raises(asyncpg.DataError, match="invalid input"):
            await tables.fetch_one("SELECT :number::int AS it", number="five")
        assert await tables.fetch_one("SELECT :number::int AS it", number=5) == {"it": 5}


@pytest.mark.parametrize("how", ["cut", "freeze"])
async def test_a_dead_database_is_a_503_and_never_an_empty_list(
    start: Start, shop_dsn: str, tmp_path: Path, short_path: Path, how: str
) -> None:
    folder = write_module(tmp_path / "shop", actions=ACTIONS, routes="ROUTES = ()\n")
    async with relay_of_postgres(short_path, shop_dsn) as (relay, dsn):
        given = {"modules": (str(folder),), "databases": SecretStr(f"shop={dsn}"), "database_wait_s": 0.5}
        async with start(**given) as node, enrol(node, "Ada") as ada:
            assert (await ada.http.post("/v1.0/shop/all_users", json={})).json() == []
            if how == "cut":
                await relay.cut()
            else:
                relay.freeze()
            assert_problem(await ada.http.post("/v1.0/shop/all_users", json={}), 503, "unavailable")
            assert (await ada.http.get("/v1.0/rooms")).status_code == 200, "the chat has a database of its own"
            await relay.mend()
            async with asyncio.timeout(15):
                while (await ada.http.post("/v1.0/shop/all_users", json={})).status_code != 200:
                    await asyncio.sleep(0.05)
