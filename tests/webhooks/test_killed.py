"""kill -9 in the middle of deliveries: nothing is lost, nothing is told out of order."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.jobs.conftest import until
from tests.people import enrol
from tests.webhooks.receiver import Receiver


@pytest.fixture
async def idle(start: Start, own_database: str) -> AsyncIterator[Node]:
    """A node where people talk, which does no jobs itself."""
    async with start(
        database_url=SecretStr(own_database), jobs_concurrency=0, webhook_networks=("127.0.0.0/8",)
    ) as node:
        yield node


@asynccontextmanager
async def working(settings: Settings, dsn: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`folkmoot work`, as an operator starts it."""
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-m", "folkmoot", "work",
            stdout=said, stderr=said,
            env={
                **os.environ,
                "API_MODE": "dev",
                "DATABASE_URL": dsn,
                "REDIS_URL": settings.redis_dsn,
                "FOLKMOOT_WEBHOOK_NETWORKS": "127.0.0.0/8",
                "FOLKMOOT_DRAIN_S": "0.2",
            },
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def test_a_worker_killed_in_the_middle_loses_nothing(
    idle: Node, own_database: str, receiver: Receiver, rows: asyncpg.Connection, tmp_path: Path
) -> None:
    log = tmp_path / "work.log"
    async with enrol(idle, "Root", "admin") as root:
        room_id = await root.make_room()
        answer = await root.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": receiver.url})
        assert answer.status_code == 201, answer.text
        receiver.script = [200, 200, -1]  # it is killed while it waits for the third answer
        for number in range(6):
            await root.say(room_id, f"number {number}")
        async with working(idle.settings, own_database, log) as first:
            await until(lambda: len(receiver.got) == 3)
            first.kill()
            await first.wait()
        assert await rows.fetchval("SELECT status::text FROM procrastinate_jobs WHERE status = 'doing'") == "doing"
        await rows.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
        async with working(idle.settings, own_database, log) as second:
            await until(lambda: len(receiver.taken) >= 6)
            second.terminate()
            assert await second.wait() == 0, log.read_text()
    assert [got.event["body"] for got in receiver.taken] == [f"number {number}" for number in range(6)]
    again = [got.headers["webhook-id"] for got in receiver.got if got.event["body"] == "number 2"]
    assert len(again) == 2, "the receiver may have taken it, so it is told again"
    assert len(set(again)) == 1, "under the same id"
    assert "Traceback" not in log.read_text()
