"""`make env`: secrets that nobody knows, made once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from folkmoot.keys import read_keys
from folkmoot.settings import DEFAULT_SECRETS
from tests.stack.files import ROOT

SCRIPT = ROOT / "scripts" / "environment.py"
SECRETS = ("POSTGRES_PASSWORD", "POSTGRES_SERVER_PASSWORD", "REDIS_PASSWORD", "API_ADMIN_PASSWORD", "FOLKMOOT_KEYS")
FOR_A_SERVER = ("--for", "production", "--url", "https://chat.example.org", "--email", "ada@example.org")


def run(folder: Path, *arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": path},
    )  # fmt: skip


def read(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_secrets_are_long_new_and_for_the_owner_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        assert run(folder, "env").returncode == 0
        assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    for name in SECRETS:
        assert len(read(first)[name]) >= 16
        assert read(first)[name] not in DEFAULT_SECRETS
        assert read(first)[name] != read(second)[name]
    assert read(first)["UID"] != "0", "nothing in the stack runs as root"


def test_the_key_is_one_that_the_server_takes(tmp_path: Path) -> None:
    run(tmp_path, "env")
    read_keys(read(tmp_path)["FOLKMOOT_KEYS"])


def test_what_stands_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nPOSTGRES_PASSWORD='as it was'\nHTTP_PORT=8080")
    assert "POSTGRES_PASSWORD" not in run(tmp_path, "env").stdout
    before = (tmp_path / ".env").read_text()
    assert before.startswith("# mine\nPOSTGRES_PASSWORD='as it was'\nHTTP_PORT=8080\n")
    assert run(tmp_path, "env").stdout == "Nothing was missing in .env.\n"
    assert (tmp_path / ".env").read_text() == before


def test_for_a_server_it_names_the_files_and_the_address(tmp_path: Path) -> None:
    assert run(tmp_path, "env", *FOR_A_SERVER).returncode == 0
    made = read(tmp_path)
    assert made["COMPOSE_FILE"] == "compose.yaml:compose.production.yaml"
    assert (made["API_MODE"], made["FOLKMOOT_URL"]) == ("production", "https://chat.example.org")
    assert made["API_ADMIN_EMAIL"] == "ada@example.org"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--for", "production"), "URL="),
        (("--for", "production", "--url", "chat.example.org", "--email", "a@b.c"), "URL="),
        (("--for", "production", "--url", "https://chat.example.org"), "EMAIL="),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_written(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    refused = run(tmp_path, "env", *arguments)
    assert refused.returncode == 1
    assert says in refused.stderr
    assert not (tmp_path / ".env").exists()


def test_an_env_of_development_does_not_become_one_of_a_server(tmp_path: Path) -> None:
    run(tmp_path, "env")
    before = (tmp_path / ".env").read_text()
    assert "development" in run(tmp_path, "env", *FOR_A_SERVER).stderr
    assert (tmp_path / ".env").read_text() == before


def test_a_database_that_is_there_already_is_mentioned(tmp_path: Path) -> None:
    (tmp_path / ".data" / "stack" / "postgres").mkdir(parents=True)
    assert "make password" in run(tmp_path, "env").stdout


def test_a_password_that_the_database_did_not_take_is_not_written_down(tmp_path: Path) -> None:
    run(tmp_path, "env")
    before = (tmp_path / ".env").read_text()
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    refused = run(tmp_path, "password", path=f"{tmp_path}:{os.environ['PATH']}")
    assert (refused.returncode, "nothing was changed" in refused.stderr) == (1, True)
    assert (tmp_path / ".env").read_text() == before


def test_the_password_that_the_database_took_is_written_down(tmp_path: Path) -> None:
    run(tmp_path, "env")
    before = read(tmp_path)
    (tmp_path / "docker").write_text('#!/bin/sh\ncat >"$(dirname "$0")/said"\n')
    (tmp_path / "docker").chmod(0o755)
    assert run(tmp_path, "password", path=f"{tmp_path}:{os.environ['PATH']}").returncode == 0
    after = read(tmp_path)
    assert (tmp_path / "said").read_text() == f"ALTER ROLE \"folkmoot\" PASSWORD '{after['POSTGRES_PASSWORD']}';\n"
    changed = {"POSTGRES_PASSWORD", "POSTGRES_SERVER_PASSWORD"}
    assert {name for name in before if after[name] != before[name]} == changed
    assert after.keys() == before.keys()
