"""Valkey on a socket. It keeps nothing: what must last is in PostgreSQL."""

import asyncio
import signal
import time
from pathlib import Path
from urllib.parse import quote

from folkmoot.laptop.account import Account
from folkmoot.laptop.binaries import Binary
from folkmoot.laptop.child import Child, Manners, read_pid, stop_leftover
from folkmoot.laptop.folder import Folder
from folkmoot.laptop.problems import did_not_start, folder_problem

MANNERS = Manners("Valkey", ((signal.SIGTERM, 5.0),))
START_S = 30.0


async def start(binary: Binary, folder: Folder, account: Account) -> Child:
    account.own(folder.run)
    socket, note = _socket(folder), folder.run / "valkey.pid"
    if (pid := read_pid(note)) is not None:
        await stop_leftover(MANNERS, pid, str(socket))
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "pidfile": str(note),
        "dir": str(folder.run),
        "save": "",
        "appendonly": "no",
        "set-proc-title": "no",  # the command line must go on naming the socket: see stop_leftover
        "loglevel": "warning",
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    try:
        return await Child.start(
            MANNERS, [*account.command, binary.path, *options], cwd=folder.run, log=folder.log / "valkey.log"
        )
    except OSError as error:
        raise folder_problem(folder.root, error) from None


async def ready(child: Child, folder: Folder) -> str:
    """Waits until it answers, and says the address."""
    socket = _socket(folder)
    patience = time.monotonic() + START_S
    while child.alive and time.monotonic() < patience:
        try:
            reader, writer = await asyncio.open_unix_connection(str(socket))
        except (ConnectionError, FileNotFoundError):
            await asyncio.sleep(0.005)
            continue
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
        if answer == b"+PONG\r\n":
            return address(folder)
    raise did_not_start("Valkey", child.log, child.last_words())


def address(folder: Folder) -> str:
    return f"unix://{quote(str(_socket(folder)))}?db=0"


def _socket(folder: Folder) -> Path:
    return folder.run / "valkey.sock"
