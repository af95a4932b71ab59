"""The database: bounded waits, and signs of its absence told from mistakes of ours."""

import asyncio
import time

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.database import Database, NotDurable
from folkmoot.errors import StorageFull, Unavailable
from folkmoot.settings import Settings
from tests.fault.proxy import Proxy
from tests.unit.log import Log, say


@pytest.mark.parametrize(
    "sign",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("another operation is in progress"),
        asyncpg.ConnectionDoesNotExistError("away"),
        asyncpg.CannotConnectNowError("away"),
        asyncpg.AdminShutdownError("away"),
        asyncpg.TooManyConnectionsError("away"),
        asyncpg.ReadOnlySQLTransactionError("away"),
        asyncpg.DeadlockDetectedError("away"),
        asyncpg.LockNotAvailableError("away"),
        asyncpg.QueryCanceledError("away"),
    ],
    ids=lambda sign: type(sign).__name__,
)
async def test_every_sign_of_an_absent_database_is_temporary(pool: Database, sign: Exception) -> None:
    with pytest.raises(Unavailable) as raised:
        async with pool.connection():
            raise sign
    assert raised.value.temporary
    assert pool.failures["unavailable"] == 1


async def test_a_full_disk_has_a_name_of_its_own(pool: Database) -> None:
    with pytest.raises(StorageFull) as raised:
        async with pool.connection():
            raise asyncpg.DiskFullError("could not extend file")
    assert pool.failures["storage_full"] == 1
    assert (raised.value.code, raised.value.rpc_code, raised.value.temporary) == ("storage_full", 507, True)


@pytest.mark.parametrize(
    "mistake", [asyncpg.UniqueViolationError("away"), asyncpg.UndefinedColumnError("away"), KeyError(), ValueError()]
)
async def test_a_mistake_of_ours_is_not(pool: Database, mistake: Exception) -> None:
    with pytest.raises(type(mistake)):
        async with pool.connection():
            raise mistake
    assert not pool.failures


async def test_a_parameter_that_cannot_be_sent_is_not_an_absent_database(pool: Database) -> None:
    with pytest.raises(asyncpg.DataError, match="invalid input for query argument"):
        async with pool.connection() as connection:
            await connection.fetchval("SELECT $1::bigint", "x")
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_who_finds_no_free_connection_waits_no_longer_than_said(settings: Settings) -> None:
    database = Database(settings.dsn, size=1, wait_s=0.2)
    await database.open()
    try:
        async with database.connection():
            began = time.monotonic()
            with pytest.raises(Unavailable):
                await database.connection().__aenter__()
            assert 0.15 < time.monotonic() - began < 2
    finally:
        await database.close()


async def test_a_transaction_that_fails_leaves_nothing(pool: Database) -> None:
    async def fail() -> None:
        async with pool.transaction() as connection:
            await connection.execute("CREATE TABLE planted (id int)")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with pool.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('planted')") is None


async def test_cancelled_questions_do_not_mix_up_the_answers_of_others(pool: Database) -> None:
    async def ask(number: int) -> None:
        async with pool.connection() as connection:
            assert await connection.fetchval("SELECT $1::int FROM pg_sleep(0.001)", number) == number

    tasks = [asyncio.create_task(ask(number)) for number in range(200)]
    for index, task in enumerate(tasks):
        if index % 3 == 0:
            await asyncio.sleep(0.0005)
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    faults = [result for result in results if result is not None and not isinstance(result, asyncio.CancelledError)]
    assert faults == []


async def test_a_closed_database_says_so(settings: Settings) -> None:
    database = Database(settings.dsn, size=1, wait_s=2.0)
    with pytest.raises(Unavailable):
        await database.connection().__aenter__()
    await database.close()


async def test_a_server_that_may_forget_is_refused(settings: Settings, empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.close()
    database = Database(empty_database, size=1, wait_s=2.0)
    try:
        with pytest.raises(NotDurable, match=r"synchronous_commit=on \(is off\)"):
            await database.open()
    finally:
        await database.close()


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_server_that_hangs_is_given_up_in_the_time_of_one_answer(
    migrated: None, postgres_relay: tuple[Proxy, SecretStr], in_transaction: bool
) -> None:
    relay, dsn = postgres_relay
    database = Database(dsn.get_secret_value(), size=1, wait_s=2.0)
    await database.open()
    try:

        async def ask() -> None:
            async with database.transaction() if in_transaction else database.connection() as connection:
                relay.freeze()
                await connection.fetchval("SELECT 1")

        began = time.monotonic()
        with pytest.raises(Unavailable):
            await ask()
        assert 1.8 < time.monotonic() - began < 3.8
        await relay.mend()
        assert await database.answers()
    finally:
        await database.close()


async def test_who_waited_for_a_batch_in_vain_does_not_wait_for_a_second_one(
    migrated: None, postgres_relay: tuple[Proxy, SecretStr]
) -> None:
    relay, dsn = postgres_relay
    database = Database(dsn.get_secret_value(), size=1, wait_s=2.0)
    await database.open()
    try:
        log = Log(database)
        ada = await log.person()
        room = await log.room(ada)
        async with log.writer(batch=1) as writer:
            relay.freeze()
            began = time.monotonic()
            waiting = [asyncio.ensure_future(writer.append(say(room, ada, str(number)))) for number in range(4)]
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Unavailable] * 4
            assert 1.8 < time.monotonic() - began < 3.8
            await relay.mend()
            assert (await writer.append(say(room, ada, "and now"))).body == "and now"
    finally:
        await database.close()
