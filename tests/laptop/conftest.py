"""Data folders that are ready to start, and processes that start them."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from folkmoot.laptop import servers
from tests.laptop.words import Holder, quietly


@pytest.fixture(scope="session")
async def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose database is made: making one takes longer than most of these tests."""
    data = tmp_path_factory.mktemp("laptop") / "made once"
    async with servers(data, report=quietly):
        pass
    return data


@pytest.fixture
def data(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it for one test, owners and all."""
    copy = tmp_path / "data"
    subprocess.run(["cp", "-a", made_once, copy], check=True)
    return copy


@pytest.fixture
def hold() -> Iterator[Callable[..., Holder]]:
    holders: list[Holder] = []

    def start(data: Path, prefix: tuple[str, ...] = ()) -> Holder:
        holders.append(Holder(data, prefix))
        return holders[-1]

    yield start
    for holder in holders:
        holder.close()
