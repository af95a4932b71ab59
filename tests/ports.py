"""Ports for servers that tests start, kill and start again."""

import os
import socket
from itertools import cycle

LOWEST, EACH, PROCESSES = 10_000, 100, 200

_own = LOWEST + os.getpid() % PROCESSES * EACH
_next = cycle(range(_own, _own + EACH))


def free_port() -> int:
    """A port that nobody else takes while nothing listens on it.

    The system gives none as low as these to clients. One that it had chosen itself would sooner or later be given to
    some client while the server is down. And another test run beside this one looks among others.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """The same for several next to each other."""
    for _ in range(EACH):
        ports = [next(_next) for _ in range(count)]
        if ports[-1] - ports[0] == count - 1 and all(map(_is_free, ports)):
            return ports
    raise RuntimeError(f"none of the ports from {_own} on is free")


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
