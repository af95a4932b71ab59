"""What the deploy writes on a server, where no engine runs: done twice, it changes nothing the second time."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault.machine.tools import need

ROOT = Path(__file__).parents[3]
SERVER = ROOT / "deploy" / "server"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
PARTS = (
    "asked",
    "home",
    "release",
    "secrets",
    "nightly",
)  # all but the engine, its images and containers, the firewall
PLAY = [
    {
        "hosts": "servers",
        "gather_facts": True,
        "tasks": [{"include_role": {"name": "folkmoot", "tasks_from": part}} for part in PARTS],
    }
]


def play(inventory: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    env = os.environ | {"ANSIBLE_CONFIG": str(SERVER / "ansible.cfg"), "ANSIBLE_ROLES_PATH": str(SERVER / "roles")}
    command = [str(PLAYBOOK), "--inventory", str(inventory), *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


def server(folder: Path, **given: object) -> Path:
    """A server.yml for this machine, which writes into this folder alone."""
    for name in ("bin", "units"):
        (folder / name).mkdir(exist_ok=True)
    host = {
        "ansible_connection": "local", "folkmoot_url": "https://chat.example.org",
        "folkmoot_admin_email": "ada@example.org", "folkmoot_base": str(folder / "folkmoot"),
        "folkmoot_bin": str(folder / "bin"), "folkmoot_units": str(folder / "units"), "folkmoot_user": "nobody",
        "folkmoot_settings": {"LOG_LEVEL": "warning"}, **given,
    }  # fmt: skip
    file = folder / "server.yml"
    file.write_text(json.dumps({"servers": {"hosts": {"here": host}}}))
    return file


def changed(said: str) -> int:
    found = re.search(r"changed=(\d+) +unreachable=0 +failed=0", said)
    assert found, said
    return int(found[1])


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    need("git", "tar")
    return server(tmp_path)


def test_each_play_can_be_read(inventory: Path) -> None:
    plays = sorted(str(file) for file in SERVER.glob("*.yml") if file.name != "server.example.yml")
    assert len(plays) == 4
    done = play(inventory, "--syntax-check", *plays)
    assert done.returncode == 0, done.stdout + done.stderr
    example = play(SERVER / "server.example.yml", "--syntax-check", *plays)
    assert example.returncode == 0, example.stdout + example.stderr


def test_twice_is_once_and_secrets_are_never_shown(inventory: Path, tmp_path: Path) -> None:
    parts = tmp_path / "play.yml"
    parts.write_text(json.dumps(PLAY))
    first = play(inventory, str(parts), "--diff", "-v")
    assert changed(first.stdout) > 5
    secrets = tmp_path / "folkmoot" / ".env"
    made = secrets.read_text()
    assert secrets.stat().st_mode & 0o777 == 0o600
    second = play(inventory, str(parts), "--diff", "-v")
    assert changed(second.stdout) == 0, second.stdout
    assert secrets.read_text() == made
    values = [line.partition("=")[2] for line in made.splitlines() if re.match(r"[A-Z_]+(PASSWORD|KEYS)=", line)]
    assert len(values) >= 3
    said = first.stdout + first.stderr + second.stdout + second.stderr
    assert not [value for value in values if value in said]
    _check_what_was_written(tmp_path)


def _check_what_was_written(folder: Path) -> None:
    release = next((folder / "folkmoot" / "releases").iterdir())
    env = dict(line.split("=", 1) for line in (release / "release.env").read_text().splitlines() if "=" in line)
    assert env["FOLKMOOT_VERSION"] == release.name
    assert env["SERVER_IMAGE"] == f"folkmoot-server:{release.name}"
    assert env["ACME_IMAGE"] == f"folkmoot-acme:{release.name}"
    assert env["LOG_LEVEL"] == "warning"
    assert env["SERVER_NAME"] == "chat.example.org"
    assert all((release / "source" / file).is_file() for file in env["COMPOSE_FILE"].split(":"))
    told = subprocess.run([folder / "bin" / "folkmoot-server", "--help"], capture_output=True, text=True, check=True)
    assert "make the release run that ran before" in told.stdout
    analyze = shutil.which("systemd-analyze")
    if analyze:  # where systemd is installed, which a container may do without
        checked = subprocess.run([analyze, "calendar", "*-*-* 03:15:00"], capture_output=True, check=False)
        assert checked.returncode == 0
    assert "folkmoot-server backup" in (folder / "units" / "folkmoot-backup.service").read_text()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"folkmoot_url": "chat.example.org"}, "server.yml must give folkmoot_url"),
        ({"folkmoot_version": "../up"}, "cannot be the name of a release"),
        ({"folkmoot_certificate": "/nowhere/x.pem"}, "must both be files on this machine"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_done(
    tmp_path: Path, given: dict[str, str], words: str
) -> None:
    parts = tmp_path / "play.yml"
    parts.write_text(json.dumps(PLAY))
    done = play(server(tmp_path, **given), str(parts))
    assert done.returncode == 2
    assert words in done.stdout
    assert not (tmp_path / "folkmoot").exists()


def test_data_without_its_secrets_is_not_given_new_ones(inventory: Path, tmp_path: Path) -> None:
    (tmp_path / "folkmoot" / "data" / "postgres").mkdir(parents=True)
    parts = tmp_path / "play.yml"
    parts.write_text(json.dumps(PLAY))
    done = play(inventory, str(parts))
    assert done.returncode == 2
    assert "with its password is not" in done.stdout
    assert not (tmp_path / "folkmoot" / ".env").exists()
