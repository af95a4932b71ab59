"""Backups: the whole database, written by PostgreSQL's own tools while everybody goes on talking; and putting one back.

A restored log is another log than the one that clients followed: rooms get new epochs, so that whoever saw more than
the backup holds loads them anew. And whoever had signed out since must not be signed in again: all sign-ins end.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from folkmoot.database import patiently
from folkmoot.errors import CommandFailed
from folkmoot.laptop.binaries import find_postgres_tool

# Everything goes, and comes back, in the one transaction that psql makes of all it is given.
EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
    CREATE SCHEMA public;
END $$
"""
# Whoever is no superuser is not told of what kind the backends of others are, but that somebody is signed in there.
OTHERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_backend_pid()
"""
ANOTHER_LOG = """
DO $$ BEGIN
    IF to_regclass('public.rooms') IS NOT NULL THEN UPDATE public.rooms SET epoch = DEFAULT; END IF;
    IF to_regclass('public.sessions') IS NOT NULL THEN DELETE FROM public.sessions WHERE kind <> 'token'; END IF;
END $$
"""


async def back_up(dsn: str, target: Path) -> int:
    """Writes the database to a file that only its owner can read. Returns its bytes; a file that is there stays."""
    _check_new(target)
    with _unfinished(target) as file:
        await _run(dsn, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(file))
        return _keep(file, target)


async def read_whole(source: Path) -> None:
    """Reads all of a backup, as putting it back would, and changes nothing. Raises CommandFailed when that fails."""
    _check_there(source)
    await _run(None, "pg_restore", "--file", os.devnull, str(source))


async def put_back(dsn: str, source: Path, *, within_s: float) -> None:
    """Replaces everything in the database with what the backup holds; when that fails, nothing is changed.

    A PostgreSQL that is not there yet is waited for.
    """
    _check_there(source)
    await _check_that_nobody_is_there(dsn, within_s)
    plain = ["--no-owner", "--no-privileges"]
    whole = ["--single-transaction", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output", os.devnull]
    with _unfinished(source) as script:
        await _run(None, "pg_restore", *plain, "--file", str(script), str(source))
        await _run(dsn, "psql", *whole, "--command", EMPTY, "--file", str(script), "--command", ANOTHER_LOG)


def _check_new(target: Path) -> None:
    if target.exists():
        raise CommandFailed(f"{target} is there already. Name another file.")


def _check_there(source: Path) -> None:
    if not source.is_file():
        raise CommandFailed(f"There is no backup {source}.")


def _keep(file: Path, target: Path) -> int:
    return file.rename(target).stat().st_size


@contextmanager
def _unfinished(beside: Path) -> Iterator[Path]:
    """A file of ours alone, which is gone in the end unless it got another name."""
    file = beside.with_name(f"{beside.name}.part")
    try:
        file.touch(mode=0o600)
        yield file
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        file.unlink(missing_ok=True)


async def _check_that_nobody_is_there(dsn: str, within_s: float) -> None:
    connection = await patiently(partial(asyncpg.connect, dsn), within_s)
    try:
        others = await connection.fetchval(OTHERS)
    finally:
        await connection.close()
    if others:
        raise CommandFailed(f"Somebody uses this database ({others} connections). Stop the servers first.")


async def _run(dsn: str | None, tool: str, *options: str) -> None:
    """Runs one of PostgreSQL's tools. Its environment has the password: others of this machine see the command line."""
    address, secrets = _without_password(dsn) if dsn else (None, {})
    command: list[str | Path] = [
        find_postgres_tool(tool),
        *options,
        *(["--dbname", address] if address else []),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | secrets, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise CommandFailed(f"{tool} failed, and nothing was changed: {lines[0] if lines else process.returncode}")


def _without_password(dsn: str) -> tuple[str, Mapping[str, str]]:
    parts = urlsplit(dsn)
    if not parts.password:
        return dsn, {}
    host = parts.netloc.rpartition("@")[2]
    address = urlunsplit(parts._replace(netloc=f"{parts.username or ''}@{host}"))
    return address, {"PGPASSWORD": unquote(parts.password)}
