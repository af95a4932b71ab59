"""PostgreSQL on a socket: made once, started, ready with the role and database of Folkmoot."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import uuid4

import asyncpg

from folkmoot.laptop.account import Account, client_name
from folkmoot.laptop.binaries import Binary
from folkmoot.laptop.child import Child, Manners, environment, read_pid, runs, stop_leftover
from folkmoot.laptop.folder import Folder
from folkmoot.laptop.problems import LaptopError, did_not_start, disk_full, folder_problem, says_disk_full

# SIGINT is its fast shutdown: open transactions roll back, a checkpoint is written. SIGQUIT leaves that to
# the recovery of the next start.
MANNERS = Manners("PostgreSQL", ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0)))
RECOVERY_S = 600.0
NO_PROCESS = 2**31 - 1

# For a server that mostly idles on somebody's laptop. Nothing here touches durability: fsync,
# synchronous_commit and full_page_writes keep their defaults, which is on.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "max_worker_processes": "2",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # People's words do not belong in a log, and both a failed statement and its detail hold them.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


async def start(binary: Binary, folder: Folder, account: Account, report: Callable[[str], None]) -> Child:
    account.own(folder.run)
    if folder.postgres.exists():
        _check_version(binary, folder)
        await _clear_leftover(folder)
    else:
        report(f"Making a database in {folder.postgres} (only this once)")
        await _make(binary, folder, account)
    report(f"Starting {binary.title}")
    try:
        _write_access(folder, account)
        command: list[str | Path] = [
            *account.command,
            binary.path,
            "-D",
            folder.postgres,
            *_options(binary, folder),
        ]
        return await Child.start(MANNERS, command, cwd=folder.run, log=folder.log / "postgres.log")
    except OSError as error:
        raise folder_problem(folder.root, error) from None


async def ready(child: Child, folder: Folder) -> str:
    """Waits until it answers, makes role and database where they are missing, and says the address."""
    connection = await _connect(child, folder)
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'folkmoot'"):
            await connection.execute("CREATE ROLE folkmoot LOGIN CREATEDB")
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = 'folkmoot'"):
            await connection.execute("CREATE DATABASE folkmoot OWNER folkmoot")
    finally:
        await connection.close()
    return address(folder)


def address(folder: Folder) -> str:
    return f"postgresql://folkmoot@/folkmoot?{urlencode({'host': str(folder.run)}, quote_via=quote)}"


async def _connect(child: Child, folder: Folder) -> "asyncpg.Connection[asyncpg.Record]":
    patience = time.monotonic() + RECOVERY_S
    socket = str(folder.run)
    while child.alive and time.monotonic() < patience:
        try:
            return await asyncpg.connect(host=socket, user="postgres", database="postgres", timeout=10)
        except (asyncpg.CannotConnectNowError, ConnectionError, FileNotFoundError, TimeoutError):
            await asyncio.sleep(0.02)
    raise _why(child, folder)


def _why(child: Child, folder: Folder) -> LaptopError:
    words = child.last_words()
    if says_disk_full(words):
        return disk_full(folder.root)
    return did_not_start("PostgreSQL", child.log, words)


def _options(binary: Binary, folder: Folder) -> list[str]:
    settings = SETTINGS | {"unix_socket_directories": f'"{folder.run}"'}
    if binary.major >= 18:
        settings["io_method"] = "sync"  # three processes fewer; an idle laptop gains nothing from them
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _check_version(binary: Binary, folder: Folder) -> None:
    try:
        made_by = (folder.postgres / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        made_by = ""
    except OSError as error:
        raise folder_problem(folder.postgres, error) from None
    if not made_by:
        raise LaptopError(
            f"{folder.postgres} holds no database of PostgreSQL. Move it away, or name another folder: "
            "FOLKMOOT_DATA=/path/to/folder."
        )
    if made_by != str(binary.major):
        raise LaptopError(
            f"The database in {folder.postgres} was made by PostgreSQL {made_by}, and this is "
            f"{binary.title} ({binary.path}). To keep the data, dump it with {made_by} and load it with "
            f"{binary.major}; to start afresh, name another folder: FOLKMOOT_DATA=/path/to/folder."
        )


async def _make(binary: Binary, folder: Folder, account: Account) -> None:
    """Runs initdb beside the final place, so that an interrupted first start leaves nothing half made."""
    for abandoned in folder.root.glob("postgres.new-*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    # Never the same name again: the initdb of a killed start may still write to the old one.
    unfinished = folder.root / f"postgres.new-{uuid4().hex[:8]}"
    account.own(unfinished)
    locale = ["--locale=C"]
    if binary.major >= 17:  # its own locale does not change with the system's libraries
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    process = await asyncio.create_subprocess_exec(
        *account.command, binary.path.parent / "initdb", "-D", unfinished, "--username=postgres",
        "--encoding=UTF8", "--auth-local=peer", "--auth-host=reject", "--no-instructions", *locale,
        cwd=folder.run, env=environment(), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    words = said.decode(errors="replace")
    if process.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        if says_disk_full(words):
            raise disk_full(folder.root)
        raise LaptopError(f"PostgreSQL could not make a database in {unfinished}. It said:\n\n{words}")
    unfinished.rename(folder.postgres)
    root = os.open(folder.root, os.O_RDONLY)
    os.fsync(root)
    os.close(root)


def _write_access(folder: Folder, account: Account) -> None:
    """Only we and the account of the server may connect: the socket's folder says so, and so does this."""
    names = sorted({client_name(), account.name})
    lines = [f'folkmoot "{name}" {role}\n' for name in names for role in ("folkmoot", "postgres")]
    (folder.postgres / "pg_ident.conf").write_text("".join(lines))
    (folder.postgres / "pg_hba.conf").write_text("local all all peer map=folkmoot\n")


async def _clear_leftover(folder: Folder) -> None:
    """Stops a server that outlived its Folkmoot, and disarms the note of one that did not.

    We hold the folder's lock, so a process of another kind under the noted id got that id by chance, and
    PostgreSQL would refuse to start because of it. Only the id is overwritten: the rest of the note is what
    PostgreSQL uses to find out that backends of a killed server still hold its memory.
    """
    note = folder.postgres / "postmaster.pid"
    pid = read_pid(note)
    if pid is None:
        return
    await stop_leftover(MANNERS, pid, str(folder.postgres))
    if note.exists() and not runs(pid, str(folder.postgres)):
        _, _, rest = note.read_text().partition("\n")
        note.write_text(f"{NO_PROCESS}\n{rest}")
