"""Servers that start at once on an empty database all come up. Without the lock two of three tries crashed."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from folkmoot import commands
from folkmoot.app import running
from folkmoot.listening import listen
from folkmoot.migrations import migrate, revisions
from folkmoot.settings import Settings
from folkmoot.testing import generous
from tests.people import NO_TLS

EMAIL, PASSWORD = "first@example.org", "the first of all"


@pytest.fixture
async def changed(settings: Settings, empty_database: str) -> Settings:
    return settings.model_copy(
        update={
            "database_url": SecretStr(empty_database),
            "api_admin_email": EMAIL,
            "api_admin_password": SecretStr(PASSWORD),
        }
    )


async def admins(dsn: str) -> tuple[int, int, str]:
    """How many admins and how many rooms there are, and the revision."""
    connection = await asyncpg.connect(dsn)
    try:
        return (
            await connection.fetchval("SELECT count(*) FROM users WHERE role = 'admin'"),
            await connection.fetchval("SELECT count(*) FROM rooms"),
            await connection.fetchval("SELECT version_num FROM alembic_version"),
        )
    finally:
        await connection.close()


@pytest.mark.parametrize("attempt", range(8))
async def test_starting_together_in_one_process(changed: Settings, attempt: int) -> None:
    """As `serve` starts: migrate, make the first admin, open the doors."""

    async def begin() -> None:
        await migrate(changed.dsn)
        await commands._first_admin(changed, EMAIL)
        await closing.enter_async_context(running(changed, listen(changed)))

    async with AsyncExitStack() as closing:
        results = await asyncio.gather(*(begin() for _ in range(3)), return_exceptions=True)
        assert results == [None, None, None]
    assert await admins(changed.dsn) == (1, 1, revisions()[-1])


class Process:
    """`folkmoot serve`, as an operator starts it."""

    def __init__(self, settings: Settings, port: int, checkout: Path) -> None:
        self.port = port
        self.running = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "folkmoot", "serve", "--port", str(port)],
            cwd=checkout,
            env={
                **os.environ,
                "DATABASE_URL": settings.dsn,
                "REDIS_URL": settings.redis_dsn,
                "API_ADMIN_EMAIL": EMAIL,
                "API_ADMIN_PASSWORD": PASSWORD,
                "FOLKMOOT_DRAIN_S": "0.2",
                **generous.environment(),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    async def ready(self) -> None:
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient(verify=NO_TLS, trust_env=False) as http:
            while self.running.poll() is None and time.monotonic() < deadline:
                try:
                    if (await http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        raise AssertionError((await self.end())[1])

    async def end(self) -> tuple[int, str]:
        """Asks it to stop. Returns its exit status, and what it said."""
        if self.running.poll() is None:
            self.running.terminate()
        said, _ = await asyncio.to_thread(self.running.communicate, timeout=20)
        return self.running.returncode, said.decode()


@pytest.fixture
def two_ports(unused_tcp_port_factory: object) -> tuple[int, int]:
    return unused_tcp_port_factory(), unused_tcp_port_factory()  # type: ignore[operator]


@pytest.mark.parametrize("attempt", range(2))
async def test_two_real_servers_start_together(
    changed: Settings, two_ports: tuple[int, int], checkout: Path, attempt: int
) -> None:
    processes = [Process(changed, port, checkout) for port in two_ports]
    try:
        await asyncio.gather(*(process.ready() for process in processes))
        assert await admins(changed.dsn) == (1, 1, revisions()[-1])
        async with httpx.AsyncClient(verify=NO_TLS, trust_env=False) as http:
            for port in two_ports:
                answer = await http.post(
                    f"http://127.0.0.1:{port}/api/v1.0/user/auth", json={"email": EMAIL, "password": PASSWORD}
                )
                assert answer.json()["valid"] is True
    finally:
        ended = await asyncio.gather(*(process.end() for process in processes))
    for status, said in ended:
        assert status == 0, said
        assert "Traceback" not in said


async def test_without_the_lock_they_do_crash(changed: Settings, checkout: Path) -> None:
    """So that the tests above mean what they say."""
    command = [sys.executable, "-m", "tests.migrations.unlocked", changed.dsn]
    pipe = subprocess.PIPE
    migrating = [
        await asyncio.create_subprocess_exec(*command, cwd=checkout, stdin=pipe, stdout=pipe, stderr=pipe)
        for _ in range(3)
    ]
    for each in migrating:
        assert each.stdout is not None
        assert await each.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(each.communicate(b"go\n") for each in migrating))
    crashes = [said.decode() for each, (_, said) in zip(migrating, ended, strict=True) if each.returncode]
    assert any("already exists" in said for said in crashes), crashes
