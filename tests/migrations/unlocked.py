"""A migration that asks nobody for the lock: `python -m tests.migrations.unlocked DSN`.

It says that it is ready, and begins when it is given a line. A process of its own, because Alembic has one migration at
a time in each.
"""

import asyncio
import sys

from folkmoot.migrations import migrate, run
from tests.databases import connected

if __name__ == "__main__":
    run.locked = connected  # type: ignore[attr-defined]
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(migrate(sys.argv[1]))
