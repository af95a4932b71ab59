"""The server as a process: it starts, says where it is, and ends when it is asked to."""

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import psutil
import pytest

from folkmoot.migrations import revisions
from folkmoot.settings import Settings
from tests.cli.conftest import Run
from tests.cli.words import begin, stop, wait_until


def answers(port: int, path: str = "/readyz") -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", verify=False, trust_env=False).status_code == 200  # noqa: S501
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serve_starts_answers_and_ends_with_nothing_left_behind(
    settings: Settings, empty_database: str, free_port: int, tmp_path: Path, number: signal.Signals
) -> None:
    process = begin(
        "serve", "--port", str(free_port), folder=tmp_path,
        DATABASE_URL=empty_database, REDIS_URL=settings.redis_dsn,
        API_ADMIN_EMAIL="first@example.org", API_ADMIN_PASSWORD="the first of all", LOG_FORMAT="json",
    )  # fmt: skip
    try:
        await asyncio.to_thread(wait_until, lambda: process.poll() is not None or answers(free_port))
        assert psutil.Process(process.pid).children(recursive=True) == [], "it needs no other process"
    finally:
        said = await asyncio.to_thread(stop, process, number)
    assert said.status == 0, said
    assert "Traceback" not in said.out + said.err
    assert "the first of all" not in said.out + said.err
    assert '"url.path":"/readyz"' in said.err
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port))


async def test_a_taken_port_is_one_sentence_that_says_what_to_do(operate: Run) -> None:
    await operate("migrate")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refusal = (await operate("serve", "--port", str(port))).refusal()
    assert str(port) in refusal
    assert "FOLKMOOT_PORT" in refusal


async def test_migrate_goes_up_and_down(operate: Run) -> None:
    head = revisions()[-1]
    assert (await operate("migrate", "0001")).out == "The database was at base, and is at 0001.\n"
    assert (await operate("migrate")).out == f"The database was at 0001, and is at {head}.\n"
    assert "--yes" in (await operate("migrate", "0")).refusal()
    assert (await operate("migrate", "0", "--yes")).out == f"The database was at {head}, and is at base.\n"
    assert "There are: base, 0001" in (await operate("migrate", "1234")).refusal()


async def test_doctor_says_that_all_is_well_or_what_to_do(operate: Run, free_port: int) -> None:
    settings = {"FOLKMOOT_PORT": str(free_port), "FOLKMOOT_SERVE_SITE": "false"}
    sick = await operate("doctor", **settings)
    assert sick.status == 1
    assert "✗ migrations" in sick.out
    assert "Run `folkmoot migrate`" in sick.out
    await operate("migrate")
    well = await operate("doctor", **settings)
    assert well.status == 0, well
    assert "✗" not in well.out
    for name in (
        "settings",
        "Python",
        "disk",
        "database",
        "durability",
        "migrations",
        "clock",
        "Redis",
        "port",
        "site",
    ):
        assert f"✓ {name}" in well.out


async def test_doctor_finds_servers_that_are_away_and_shows_no_secret(run: Run, free_port: int) -> None:
    said = await run(
        "doctor",
        DATABASE_URL="postgresql://folkmoot:canary@127.0.0.1:1/x",
        REDIS_URL="redis://:canary@127.0.0.1:1",
        FOLKMOOT_PORT=str(free_port),
    )
    assert said.status == 1
    assert "✗ database  127.0.0.1:1 does not let us in" in said.out
    assert "✗ Redis  127.0.0.1:1 does not let us in" in said.out
    assert "canary" not in said.out + said.err
    assert "Traceback" not in said.err
