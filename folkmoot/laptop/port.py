"""Who listens on a port, for the sentence that says why we cannot."""

import contextlib
import errno
import socket
from itertools import chain
from pathlib import Path

LISTEN = "0A"
ORDINARY = 1024  # below it, ports are root's
WEB = 8000
HIGHEST = 65535


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there. Raises OSError where the address itself is wrong."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def another_port(host: str, port: int) -> int:
    """A port near the asked one that is free now, and that whoever is not root may have too."""
    first = port + 1 if port >= ORDINARY else WEB
    return next(each for each in chain(range(first, HIGHEST + 1), range(ORDINARY, port)) if port_is_free(host, each))


def port_holder(port: int) -> str:
    """The program that listens on a port, as `nginx (process 812)`, or `another program` if it is hidden."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for process in Path("/proc").glob("[0-9]*"):
        if sockets & set(_open_files(process)):
            with contextlib.suppress(OSError):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return "another program"


def _listening(port: int) -> list[str]:
    inodes = []
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        with contextlib.suppress(OSError):
            rows = [row.split() for row in table.read_text().splitlines()[1:]]
            inodes += [row[9] for row in rows if row[3] == LISTEN and int(row[1].rpartition(":")[2], 16) == port]
    return inodes


def _open_files(process: Path) -> list[str]:
    found = []
    with contextlib.suppress(OSError):  # it ended just now, or it is somebody else's
        for file in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since
                found.append(str(file.readlink()))
    return found
