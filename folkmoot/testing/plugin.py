"""The fixtures. A test names this file: `pytest_plugins = ["folkmoot.testing.plugin"]`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.testing.node import Machine, machine, start
from folkmoot.testing.people import Folkmoot


@pytest.fixture(scope="session")
def folkmoot_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A PostgreSQL and a Valkey of this test run's own."""
    with machine(tmp_path_factory.mktemp("folkmoot")) as running:
        yield running


@pytest.fixture(scope="module")
def folkmoot(request: pytest.FixtureRequest, folkmoot_machine: Machine) -> Iterator[Folkmoot]:
    """A server with the module that the test lies in: the nearest folder above it that has an `actions.py`."""
    with start(folkmoot_machine, module_of(request.path)) as started:
        yield started


def module_of(test: Path) -> Path:
    """The folder of the module that a test file belongs to."""
    for folder in test.resolve().parents:
        if (folder / "actions.py").is_file():
            return folder
    raise pytest.UsageError(f"{test} is in no module: no folder above it has an actions.py.")
