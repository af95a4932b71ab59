"""The doctor says what is well, and for what is not, what to do."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from folkmoot.doctor import Finding, examine
from folkmoot.keys import new_key
from folkmoot.laptop import Servers, servers
from folkmoot.laptop.port import another_port, port_is_free
from folkmoot.listening import PortTaken, listen
from folkmoot.migrations import migrate, revisions
from folkmoot.settings import Settings, load_settings
from tests.laptop.words import connected, quietly
from tests.ports import free_port


@pytest.fixture
async def started(data: Path) -> AsyncIterator[Servers]:
    async with servers(data, report=quietly) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Path:
    built = tmp_path / "site"
    built.mkdir()
    (built / "index.html").write_text("<!doctype html>")
    return built


def settings_for(monkeypatch: pytest.MonkeyPatch, **variables: object) -> Settings:
    monkeypatch.setenv("FOLKMOOT_PORT", str(free_port()))
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    return load_settings()


async def findings(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in await examine(settings)}


async def test_a_laptop_that_is_well(started: Servers, data: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(started.dsn)
    found = await findings(settings_for(monkeypatch, FOLKMOOT_DATA=data, FOLKMOOT_SITE=site))
    assert {name: finding.says for name, finding in found.items() if not finding.ok} == {}
    assert set(found) == {
        "settings", "Python", "PostgreSQL program", "Valkey program", "disk", "database", "durability",
        "migrations", "role", "clock", "keys", "Redis", "port", "site", "services", "mail",
    }  # fmt: skip
    assert "from the wheel" in found["PostgreSQL program"].says
    assert found["migrations"].says == f"the database is at {revisions()[-1]}, the latest"
    assert not any(finding.advice for finding in found.values())


async def test_a_laptop_before_its_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await findings(settings_for(monkeypatch, FOLKMOOT_DATA=tmp_path / "none", FOLKMOOT_SITE=tmp_path))
    assert found["database"].says == "none runs now; `folkmoot up` starts its own"
    assert found["Redis"].ok
    assert not found["site"].ok
    assert not (tmp_path / "none").exists()


async def test_servers_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    database = f"postgresql://somebody:a-secret@127.0.0.1:{port}/folkmoot"
    redis = f"redis://:a-secret@127.0.0.1:{port}/0"
    found = await findings(settings_for(monkeypatch, DATABASE_URL=database, REDIS_URL=redis))
    for name, variable in (("database", "DATABASE_URL"), ("Redis", "REDIS_URL")):
        assert not found[name].ok
        assert f"127.0.0.1:{port} does not let us in" in found[name].says
        assert variable in found[name].advice
    assert "a-secret" not in str(found)


async def test_a_database_that_may_forget(started: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(started) as connection:
        await connection.execute("ALTER ROLE folkmoot SET synchronous_commit = off")
    found = await findings(settings_for(monkeypatch, DATABASE_URL=started.dsn, REDIS_URL=started.redis_url))
    assert not found["durability"].ok
    assert "synchronous_commit=off" in found["durability"].says
    assert "Set fsync=on" in found["durability"].advice


async def test_a_database_behind_or_ahead_of_this_version(started: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(monkeypatch, DATABASE_URL=started.dsn, REDIS_URL=started.redis_url)
    found = await findings(settings)
    assert found["migrations"].advice.startswith("Run `folkmoot migrate`")
    await migrate(started.dsn)
    async with connected(started) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    found = await findings(settings)
    assert "9999, which this version does not know" in found["migrations"].says


async def test_a_clock_that_is_wrong(started: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("folkmoot.doctor.database.time", _Ahead())
    found = await findings(settings_for(monkeypatch, DATABASE_URL=started.dsn, REDIS_URL=started.redis_url))
    assert found["clock"].says.startswith(("59.9", "60.0"))
    assert "NTP" in found["clock"].advice


class _Ahead:
    """A clock one minute fast."""

    def time(self) -> float:
        import time

        return time.time() + 60


async def test_a_redis_that_lets_nobody_listen(started: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Redis.from_url(started.redis_url) as redis:
        await redis.execute_command("ACL", "SETUSER", "default", "resetchannels")
    found = await findings(settings_for(monkeypatch, DATABASE_URL=started.dsn, REDIS_URL=started.redis_url))
    assert not found["Redis"].ok


async def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLKMOOT_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        monkeypatch.setenv("FOLKMOOT_PORT", str(number))
        finding = (await findings(load_settings()))["port"]
    assert not finding.ok
    assert "(process " in finding.says
    assert is_another(finding.advice, number)


async def test_the_port_that_is_proposed_is_not_taken_either(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOLKMOOT_DATA", str(tmp_path))
    asked, beside = neighbours()
    with asked, beside:
        number = asked.getsockname()[1]
        settings = settings_for(monkeypatch).model_copy(update={"port": number})
        assert is_another((await findings(settings))["port"].advice, number, number + 1)
        with pytest.raises(PortTaken) as refusal:
            listen(settings)
        assert is_another(str(refusal.value), number, number + 1)


def neighbours() -> tuple[socket.socket, socket.socket]:
    """Two that listen, on a port and the next one."""
    while True:
        first = socket.create_server(("127.0.0.1", 0))
        try:
            return first, socket.create_server(("127.0.0.1", first.getsockname()[1] + 1))
        except OSError:
            first.close()


def is_another(sentence: str, *taken: int) -> bool:
    """Whether a sentence proposes a port that a server could have, and none of these."""
    proposed = int(sentence.removesuffix(".").rpartition("FOLKMOOT_PORT=")[2])
    return proposed not in taken and port_is_free("127.0.0.1", proposed)


@pytest.mark.parametrize("port", [80, 1023, 65535])
def test_a_port_at_either_end_has_another_beside_it(port: int) -> None:
    assert 1024 <= another_port("127.0.0.1", port) < 65535


async def test_a_host_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = (await findings(settings_for(monkeypatch, FOLKMOOT_HOST="192.0.2.1")))["port"]
    assert not finding.ok
    assert "cannot be used" in finding.says


async def test_an_open_port_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = (await findings(settings_for(monkeypatch, FOLKMOOT_HOST="0.0.0.0")))["settings"]  # noqa: S104
    assert not finding.ok
    assert "TLS" in finding.advice


async def test_a_database_that_is_too_old(monkeypatch: pytest.MonkeyPatch, started: Servers) -> None:
    monkeypatch.setattr("folkmoot.doctor.database.OLDEST_POSTGRES", 99)
    found = await findings(settings_for(monkeypatch, DATABASE_URL=started.dsn, REDIS_URL=started.redis_url))
    assert found["database"].advice == "Upgrade it to PostgreSQL 99 or newer."


async def test_keys_that_are_missing(started: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    await migrate(started.dsn)
    servers = {"DATABASE_URL": started.dsn, "REDIS_URL": started.redis_url}
    none = (await findings(settings_for(monkeypatch, **servers)))["keys"]
    assert none.ok
    assert "nobody can turn on two-step sign-in" in none.says
    required = (await findings(settings_for(monkeypatch, **servers, FOLKMOOT_SECOND_FACTOR="all")))["keys"]
    assert not required.ok
    assert "folkmoot keys new" in required.advice
    monkeypatch.delenv("FOLKMOOT_SECOND_FACTOR")
    known = settings_for(monkeypatch, **servers, FOLKMOOT_KEYS=new_key())
    assert (await findings(known))["keys"].ok
    async with connected(started) as connection:
        await connection.execute(
            """
            WITH ada AS (INSERT INTO users (email, password, confirmed) VALUES ('ada', '', true) RETURNING id)
            INSERT INTO totp (user_id, key_id, secret) SELECT id, 'lost', '' FROM ada
            """
        )
    lost = (await findings(known))["keys"]
    assert not lost.ok
    assert "locked with lost" in lost.says
