from collections.abc import AsyncIterator

import pytest

from folkmoot.database import Database
from folkmoot.settings import Settings
from tests.unit.log import Log


@pytest.fixture
async def pool(settings: Settings, migrated: None) -> AsyncIterator[Database]:
    database = Database(settings.dsn, size=6, wait_s=5.0)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def log(pool: Database) -> Log:
    """The log with rooms and people of the test's own."""
    return Log(pool)
