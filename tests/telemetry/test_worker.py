"""`folkmoot work` can be asked how it is, as a server can: a process of its own, with a database of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from folkmoot.migrations import migrate
from folkmoot.settings import Settings
from tests.cli.words import COMMAND, environment
from tests.fault.proxy import Proxy
from tests.ports import free_port
from tests.relay import relay_of_postgres
from tests.telemetry.served import PATIENCE_S, is_ready, reading, ready, samples, value


@dataclass
class Working:
    process: asyncio.subprocess.Process
    admin: httpx.AsyncClient
    log: Path


@asynccontextmanager
async def working(settings: Settings, dsn: str, folder: Path, **changes: str) -> AsyncIterator[Working]:
    """A worker that is ready."""
    port = free_port()
    given = {
        "API_MODE": "dev",
        "DATABASE_URL": dsn,
        "REDIS_URL": settings.redis_dsn,
        "FOLKMOOT_ADMIN_PORT": str(port),
        "FOLKMOOT_DATABASE_WAIT_S": "0.5",
        "FOLKMOOT_DRAIN_S": "0.2",
        **changes,
    }
    log = folder / "work.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "work", "--no-migrate",
            cwd=folder, env=environment(**given), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        async with reading(port) as admin:
            await ready(admin, process)
            yield Working(process, admin, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def line(empty_database: str, short_path: Path) -> AsyncIterator[tuple[Proxy, str]]:
    """A line to a database that can be cut."""
    await migrate(empty_database)
    async with relay_of_postgres(short_path, empty_database) as (relay, dsn):
        yield relay, dsn


async def test_a_worker_says_how_it_is(settings: Settings, line: tuple[Proxy, str], tmp_path: Path) -> None:
    relay, dsn = line
    async with working(settings, dsn, tmp_path) as worker:
        answer = await worker.admin.get("/ready")
        assert answer.json() == {"ready": True, "database": True, "working": True}
        assert (await worker.admin.get("/live")).json()["live"] is True
        scraped = samples((await worker.admin.get("/metrics")).text)
        assert value(scraped, "folkmoot_build_info") == 1
        assert value(scraped, "folkmoot_jobs") >= 0
        assert value(scraped, "folkmoot_jobs_oldest_waiting_seconds") == 0
        assert value(scraped, "folkmoot_database_connections_limit", pool="working") > 0
        assert value(scraped, "folkmoot_bus_up") == 1
        assert not [name for name, _ in scraped if "socket" in name or "http" in name], "of which it has none"

        await relay.cut()
        async with asyncio.timeout(PATIENCE_S):
            while await is_ready(worker.admin):
                await asyncio.sleep(0.05)
        assert (await worker.admin.get("/live")).status_code == 200, "a start would change nothing about it"
        await relay.mend()
        async with asyncio.timeout(PATIENCE_S):
            while not await is_ready(worker.admin):
                await asyncio.sleep(0.05)

        worker.process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            assert await worker.process.wait() == 0, worker.log.read_text()
        assert "Traceback" not in worker.log.read_text()


async def test_a_taken_port_is_said_at_once(settings: Settings, line: tuple[Proxy, str], tmp_path: Path) -> None:
    _, dsn = line
    async with working(settings, dsn, tmp_path) as worker:
        port = worker.admin.base_url.port
        given = {"API_MODE": "dev", "DATABASE_URL": dsn, "REDIS_URL": settings.redis_dsn}
        second = await asyncio.create_subprocess_exec(
            *COMMAND, "work", "--no-migrate",
            env=environment(**given, FOLKMOOT_ADMIN_PORT=str(port)), cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(second.communicate(), PATIENCE_S)
        assert second.returncode == 1
        assert b"FOLKMOOT_ADMIN_PORT" in said
        assert b"Traceback" not in said
        assert (await worker.admin.get("/live")).status_code == 200
