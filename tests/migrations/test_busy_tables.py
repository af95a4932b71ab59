"""A revision whose table somebody holds: it lets the others go on, tries again, and says so when that does not help."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from folkmoot.errors import CommandFailed
from folkmoot.migrations import BASE, migrate, revision_of, run
from tests.migrations.coming import NEXT_RELEASE


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(run, "PAUSE_S", 0.1)


@pytest.fixture
async def held(empty_database: str) -> AsyncIterator[asyncpg.transaction.Transaction]:
    """Somebody reads rooms in a long transaction, as a backup does."""
    await migrate(empty_database)
    reading = await asyncpg.connect(empty_database)
    transaction = reading.transaction()
    await transaction.start()
    await reading.fetch("SELECT id FROM rooms")
    yield transaction
    await reading.close()


async def test_it_is_tried_again_until_the_table_is_free(
    empty_database: str, held: asyncpg.transaction.Transaction
) -> None:
    asyncio.get_running_loop().call_later(1.0, lambda: asyncio.ensure_future(held.rollback()))
    assert await migrate(empty_database, of=NEXT_RELEASE) == (BASE, "0003")
    assert await migrate(empty_database, BASE, of=NEXT_RELEASE) == ("0003", BASE)


async def test_others_go_on_meanwhile(empty_database: str, held: asyncpg.transaction.Transaction) -> None:
    migrating = asyncio.create_task(migrate(empty_database, of=NEXT_RELEASE))
    other = await asyncpg.connect(empty_database)
    for _ in range(20):
        await other.fetch("SELECT id FROM rooms", timeout=10.0)
        await asyncio.sleep(0.05)
    assert not migrating.done()
    await held.rollback()
    assert await migrating == (BASE, "0003")
    await other.close()


async def test_a_table_that_is_never_free_is_said_and_what_was_done_stays(
    empty_database: str, held: asyncpg.transaction.Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PATIENCE_S", 0.5)
    with pytest.raises(CommandFailed, match=r"in use all the time.* The schema is at 0001"):
        await migrate(empty_database, of=NEXT_RELEASE)
    await held.rollback()
    assert await revision_of(empty_database, of=NEXT_RELEASE) == "0001"
    assert await migrate(empty_database, of=NEXT_RELEASE) == ("0001", "0003")
