import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from folkmoot.laptop import Servers, servers
from folkmoot.settings import Settings
from tests.cli.words import Said, Terminal


class Run(Protocol):
    async def __call__(self, *arguments: str, given: str = "", **settings: str) -> Said: ...


@pytest.fixture(scope="session")
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


@pytest.fixture
def run(terminal: Terminal, tmp_path: Path) -> Run:
    """Runs a command in a folder of its own, without any database."""

    async def run_command(*arguments: str, given: str = "", **settings: str) -> Said:
        return await asyncio.to_thread(terminal.run, *arguments, folder=tmp_path, given=given, **settings)

    return run_command


@pytest.fixture
async def operate(run: Run, settings: Settings, empty_database: str) -> Run:
    """Runs a command as the operator of a server whose databases the environment names."""

    async def run_command(*arguments: str, given: str = "", **more: str) -> Said:
        known = {"DATABASE_URL": empty_database, "REDIS_URL": settings.redis_dsn, "FOLKMOOT_DATABASE_START_S": "0"}
        return await run(*arguments, given=given, **{**known, **more})

    return run_command


@pytest.fixture
async def laptop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, Servers]]:
    """The data folder of a laptop whose databases run."""
    data = tmp_path_factory.mktemp("laptop") / "data"
    async with servers(data, report=lambda line: None) as started:
        yield data, started
