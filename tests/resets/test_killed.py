"""A worker that is killed while it sends a letter: the letter arrives all the same."""

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
from folkmoot.migrations import migrate
from folkmoot.settings import Settings
from folkmoot.testing.generous import environment
from tests.conftest import Start
from tests.people import enrol, visiting
from tests.postbox import Postbox, postbox
from tests.resets.conftest import NEW, RESETS, token_in


@pytest.fixture
async def slow_box() -> AsyncIterator[Postbox]:
    """A mail server that takes a letter and does not say so."""
    async with postbox() as box:
        box.silent = True
        yield box


@pytest.fixture
async def idle(start: Start, empty_database: str, slow_box: Postbox) -> AsyncIterator[Node]:
    """A node that does no jobs itself."""
    await migrate(empty_database)
    async with start(
        database_url=SecretStr(empty_database),
        jobs_concurrency=0,
        smtp_host="127.0.0.1",
        smtp_port=slow_box.port,
        smtp_tls="none",
        mail_from="chat@folkmoot.test",
        resets_per_address=1000,
    ) as node:
        yield node


@asynccontextmanager
async def working(settings: Settings, box: Postbox, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`folkmoot work`, as an operator starts it."""
    given = {
        "API_MODE": "dev",
        "DATABASE_URL": settings.dsn,
        "REDIS_URL": settings.redis_dsn,
        "FOLKMOOT_URL": "http://folkmoot.test",
        "FOLKMOOT_SMTP_HOST": "127.0.0.1",
        "FOLKMOOT_SMTP_PORT": str(box.port),
        "FOLKMOOT_SMTP_TLS": "none",
        "FOLKMOOT_MAIL_FROM": "chat@folkmoot.test",
        "FOLKMOOT_DRAIN_S": "0.2",
        **environment(),
    }
    with log.open("ab") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-m", "folkmoot", "work", "--no-migrate",
            env=os.environ | given, stdout=said, stderr=said,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_a_letter_of_a_worker_that_was_killed_arrives(
    idle: Node, slow_box: Postbox, empty_database: str, tmp_path: Path
) -> None:
    log = tmp_path / "work.log"
    async with enrol(idle, "Ada") as ada, visiting(idle) as visitor:
        assert (await visitor.post(RESETS, json={"email": ada.email})).status_code == 200
        async with working(idle.settings, slow_box, log) as first:
            await slow_box.until(lambda: slow_box.tries == 1)
            first.kill()
            await first.wait()
        assert slow_box.letters == [], "the server had not taken it"
        slow_box.silent = False
        rows = await asyncpg.connect(empty_database)
        state = await rows.fetchval("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'resets.send'")
        assert state == "doing"
        await rows.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
        await rows.close()
        async with working(idle.settings, slow_box, log) as second:
            await slow_box.until(lambda: slow_box.tries == 2 and slow_box.to(ada.email))
            second.terminate()
            assert await second.wait() == 0, log.read_text()
        newest = token_in(slow_box.to(ada.email)[-1])
        chosen = await visitor.post(f"{RESETS}/choose", json={"token": newest, "password": NEW})
        assert chosen.status_code == 204, "and its link works"
    assert "Traceback" not in log.read_text()
