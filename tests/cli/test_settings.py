"""Settings that cannot be used are named, each with what it takes; secrets come from files too."""

from pathlib import Path

import pytest

from folkmoot.migrations import revisions
from tests.cli.conftest import Run
from tests.ports import free_port

SERVE = {"DATABASE_URL": "postgresql://folkmoot@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"FOLKMOOT_PORT": "eighty"}, ["FOLKMOOT_PORT", "integer"]),
        (
            {"FOLKMOOT_PORT": "99999", "API_MODE": "prod"},
            ["FOLKMOOT_PORT", "65535", "API_MODE", "'dev' or 'production'"],
        ),
        ({"FOLKMOOT_URL": "chat.example.org"}, ["FOLKMOOT_URL", "https://chat.example.org"]),
        ({"FOLKMOOT_TRUSTED_PROXIES": "10.0.0.0/99"}, ["FOLKMOOT_TRUSTED_PROXIES", "10.0.0.0/99"]),
        ({"DATABASE_URL": "mysql://x"}, ["DATABASE_URL", "postgresql://"]),
        ({"REDIS_URL": "localhost:6379"}, ["REDIS_URL", "redis://"]),
        ({"POSTGRES_HOST": "db"}, ["POSTGRES_PASSWORD", "API_MODE=dev"]),
        ({"POSTGRES_HOST": "db", "POSTGRES_PASSWORD": "changeme"}, ["POSTGRES_PASSWORD"]),
        ({"DATABASE_URL": "postgresql://u:postgres@db/x"}, ["DATABASE_URL"]),
        ({"API_ADMIN_EMAIL": "a@example.org", "API_ADMIN_PASSWORD": "admin"}, ["API_ADMIN_PASSWORD"]),
        ({"DATABASE_URL": "", "DATABASE_URL_FILE": "/nowhere/secret"}, ["DATABASE_URL_FILE", "/nowhere/secret"]),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, dict) else "",
)
async def test_a_setting_that_cannot_be_used_is_named(run: Run, settings: dict[str, str], words: list[str]) -> None:
    refusal = (await run("serve", **{**SERVE, **settings})).refusal()
    for word in words:
        assert word in refusal
    assert "changeme" not in refusal
    assert "u:postgres" not in refusal


async def test_the_command_line_names_the_variable_too(run: Run) -> None:
    assert "FOLKMOOT_PORT" in (await run("serve", "--port", "70000", **SERVE)).refusal()


async def test_serve_says_which_database_it_lacks(run: Run) -> None:
    assert (await run("serve")).refusal().startswith("Set DATABASE_URL and REDIS_URL")
    refusal = (await run("serve", DATABASE_URL=SERVE["DATABASE_URL"])).refusal()
    assert refusal.startswith("Set REDIS_URL for")
    assert "folkmoot up" in refusal


async def test_commands_without_any_folkmoot_say_how_to_start_one(run: Run) -> None:
    for arguments in (("user", "list"), ("migrate",)):
        assert "Start one with `folkmoot up`, or set DATABASE_URL." in (await run(*arguments)).refusal()


async def test_a_database_that_is_away_is_one_sentence(run: Run) -> None:
    away = {**SERVE, "FOLKMOOT_DATABASE_START_S": "0"}
    for arguments in (("serve",), ("migrate",), ("user", "list")):
        assert "PostgreSQL cannot be reached" in (await run(*arguments, **away)).refusal()


async def test_a_secret_comes_from_a_file(run: Run, tmp_path: Path, empty_database: str) -> None:
    secret = tmp_path / "database url"
    secret.write_text(empty_database + "\n")
    said = await run("migrate", DATABASE_URL_FILE=str(secret), REDIS_URL=SERVE["REDIS_URL"])
    assert said.status == 0, said
    assert f"is at {revisions()[-1]}" in said.out


async def test_a_dot_env_file_is_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FOLKMOOT_PORT=from-the-file\n")
    assert "FOLKMOOT_PORT" in (await run("serve", **SERVE)).refusal()


async def test_what_is_no_setting_is_named_and_keeps_nothing_from_starting(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FOLKMOOT_HOTS=127.0.0.1\n")
    slips = {"FOLKMOOT_PROT": "8001", "FOLKMOOT_ENTIRELY_ELSE": "1", "FOLKMOOT_VERSION": "1", "FOLKMOOT_KEYS_FILE": ""}
    said = await run("doctor", FOLKMOOT_SERVE_SITE="false", FOLKMOOT_PORT=str(free_port()), **slips)
    assert "! settings  FOLKMOOT_PROT is no setting\n  Is it FOLKMOOT_PORT?" in said.out
    assert "! settings  FOLKMOOT_HOTS is no setting\n  Is it FOLKMOOT_HOST?" in said.out
    assert "! settings  FOLKMOOT_ENTIRELY_ELSE is no setting\n  Nothing reads it." in said.out
    assert said.out.count("is no setting") == 3
    assert said.status == 0, said
    served = await run("serve", **SERVE, **slips, FOLKMOOT_DATABASE_START_S="0", LOG_FORMAT="json")
    assert "PostgreSQL cannot be reached" in served.err
    assert served.err.count('"message":"settings.unknown"') == 3
    assert "FOLKMOOT_PORT" in served.err
