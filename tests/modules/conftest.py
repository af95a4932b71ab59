"""Nodes with modules beside Folkmoot's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from folkmoot.app import Node
from folkmoot.loading.revisions import migrate_modules
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.people import Member, enrol


@pytest.fixture(scope="session")
def example_folder(checkout: Path) -> Path:
    return checkout / "examples" / "modules" / "example"


@pytest.fixture(scope="module")
async def exemplary(start: Start, settings: Settings, example_folder: Path) -> AsyncIterator[Node]:
    """A node with the example module."""
    modules = (str(example_folder),)
    await migrate_modules(settings.model_copy(update={"modules": modules}))
    async with start(modules=modules) as node:
        yield node


@pytest.fixture
async def eve(exemplary: Node) -> AsyncIterator[Member]:
    async with enrol(exemplary, "Eve") as member:
        yield member
