"""Going back by one version: the older one meets a database that the newer one has taken further."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

from folkmoot.migrations import revisions
from folkmoot.settings import Settings
from tests.cli.conftest import Run
from tests.cli.test_serve import answers
from tests.cli.words import begin, stop, wait_until


@pytest.fixture
async def newer(operate: Run, empty_database: str) -> str:
    """A database at a revision that nobody here knows."""
    await operate("migrate")
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    finally:
        await connection.close()
    return empty_database


async def test_a_newer_database_is_left_alone_only_by_who_says_so(operate: Run, newer: str) -> None:
    assert "a newer Folkmoot made it" in (await operate("migrate")).refusal()
    assert (await operate("migrate", "--or-newer")).out == "The database was at 9999, and is at 9999.\n"
    assert (await operate("migrate", "0001", "--or-newer")).out == "The database was at 9999, and is at 9999.\n"


async def test_any_other_database_is_brought_up_to_date_as_ever(operate: Run) -> None:
    head = revisions()[-1]
    assert (await operate("migrate", "--or-newer")).out == f"The database was at base, and is at {head}.\n"
    assert "--yes" in (await operate("migrate", "0001", "--or-newer")).refusal()


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_the_older_version_serves_and_works_on_it(
    settings: Settings, newer: str, free_port: int, tmp_path: Path, command: str
) -> None:
    known = {"DATABASE_URL": newer, "REDIS_URL": settings.redis_dsn, "FOLKMOOT_PORT": str(free_port)}
    refused = begin(command, folder=tmp_path, **known)
    out, err = await asyncio.to_thread(refused.communicate, timeout=30)
    assert refused.returncode == 1, out
    assert "a newer Folkmoot made it" in err

    process = begin(command, "--no-migrate", folder=tmp_path, PYTHONUNBUFFERED="1", **known)
    try:
        if command == "serve":
            await asyncio.to_thread(wait_until, lambda: process.poll() is not None or answers(free_port))
        else:
            assert process.stdout is not None
            assert "Working" in await asyncio.to_thread(process.stdout.readline)
    finally:
        said = await asyncio.to_thread(stop, process, signal.SIGTERM)
    assert said.status == 0, said
