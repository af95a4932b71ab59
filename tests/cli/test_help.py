"""Help that teaches, and the commands that need no database."""

import json
import subprocess
from pathlib import Path

import pytest

from folkmoot import __version__
from folkmoot.http.openapi import describe
from folkmoot.migrations import revisions
from folkmoot.modules import BUILT_IN
from folkmoot.routes import load_routes
from tests.cli.conftest import Run
from tests.cli.words import COMMAND, environment

TAUGHT = {
    (): ["up", "serve", "migrate", "user", "doctor", "version", "To try it on this machine: folkmoot up"],
    ("up",): ["PostgreSQL", "Ctrl-C", "--port", "--data", "FOLKMOOT_PORT", "shows how to sign in once"],
    ("serve",): ["DATABASE_URL", "REDIS_URL", "--no-migrate"],
    ("migrate",): ["base", "head", "--sql", "removes everything, with all data", "--yes"],
    ("user",): ["add", "list", "password", "disable"],
    ("user", "add"): ["--generate", "--admin", "--name", "pipe"],
    ("user", "password"): ["signed out everywhere"],
    ("user", "disable"): ["at once"],
    ("user", "reset-second-factor"): ["signed out everywhere", "Be sure that it is they who ask"],
    ("keys",): ["new", "rotate"],
    ("keys", "rotate"): ["first key of FOLKMOOT_KEYS", "Servers may run"],
    ("totp",): ["each new one once", "never an argument", "--once"],
    ("doctor",): ["say what to do"],
    ("services",): ["check"],
    ("services", "check"): ["FOLKMOOT_SERVICES", "Ends with 1", "asked once"],
}


@pytest.mark.parametrize("command", TAUGHT, ids=lambda command: " ".join(command) or "folkmoot")
async def test_help_says_what_a_command_does_and_how(run: Run, command: tuple[str, ...]) -> None:
    said = await run(*command, "--help")
    assert said.status == 0
    shown = " ".join(said.out.replace("│", " ").split())
    for words in TAUGHT[command]:
        assert words in shown, words
    assert said.err == ""


async def test_without_a_command_it_shows_its_help(run: Run) -> None:
    said = await run()
    assert "folkmoot up" in said.out + said.err


async def test_version(run: Run) -> None:
    assert (await run("version")).out == f"Folkmoot {__version__}\n"


def test_it_is_a_program_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "version"], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"Folkmoot {__version__}\n", "")


async def test_openapi_prints_the_document_of_the_server(run: Run) -> None:
    assert json.loads((await run("openapi")).out) == json.loads(json.dumps(describe(load_routes(BUILT_IN))))


async def test_the_sql_of_the_migrations_is_printed_without_a_database(run: Run) -> None:
    said = await run("migrate", "--sql")
    assert said.status == 0
    assert said.out.startswith("BEGIN;")
    assert all(f"'{revision}'" in said.out for revision in revisions())
    down = await run("migrate", "0001", "--sql", "--from", "head")
    assert "DROP TABLE events" in down.out
    assert "CREATE TABLE" not in down.out
    assert "There is no revision" in (await run("migrate", "9999", "--sql")).refusal()


async def test_an_unknown_command_or_option_is_refused_with_a_hint(run: Run) -> None:
    for arguments in (("start",), ("up", "--prot", "1"), ("user", "remove")):
        said = await run(*arguments)
        assert said.status == 2
        assert "--help" in said.err
