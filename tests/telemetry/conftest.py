from collections.abc import AsyncIterator

import pytest

from folkmoot.settings import Settings
from tests.telemetry.served import Served, served


@pytest.fixture(scope="package")
async def server(settings: Settings, migrated: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A server of one process that these tests share, with its admin port."""
    async with served(settings, tmp_path_factory.mktemp("server")) as running:
        yield running
