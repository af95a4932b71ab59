"""File descriptors: as many as the system lets us have, and some of them kept back for ourselves."""

import resource
import sys
from contextlib import suppress

# For PostgreSQL, Redis and files: without one, nobody who is already in could go on.
RESERVED = 64


def take_all() -> None:
    """Lifts our limit as far as we may. Each client takes a descriptor, and 1,024 are soon gone."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says that there is no limit, and then has one
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def for_clients() -> int:
    """The first number that a client does not get; the system always gives the lowest that is free."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft - min(RESERVED, soft // 4)
