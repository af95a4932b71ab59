"""Writes `folkmoot/migrations/schema.sql`: the schema that all revisions together make, to be read and compared."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from folkmoot.laptop import servers  # noqa: E402
from folkmoot.laptop.binaries import find_postgres  # noqa: E402
from folkmoot.migrations import migrate  # noqa: E402

KEPT = ROOT / "folkmoot" / "migrations" / "schema.sql"
TITLE = "-- The schema that the revisions make. Written by scripts/schema.py; change a revision, not this file.\n\n"
# What pg_dump says of itself and of the session, and not of the schema.
NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)


async def described(dsn: str) -> str:
    """The schema of a database, as SQL that makes it."""
    command: list[str | Path] = [
        find_postgres().path.parent / "pg_dump",
        "--schema-only",
        "--no-owner",
        "--no-privileges",
    ]
    dump = await asyncio.create_subprocess_exec(
        *command, "--exclude-table=alembic_version", dsn, stdout=subprocess.PIPE
    )
    printed, _ = await dump.communicate()
    if dump.returncode:
        raise SystemExit("pg_dump failed; see above.")
    return TITLE + re.sub(r"\n{3,}", "\n\n", NOISE.sub("", printed.decode())).strip() + "\n"


async def main() -> None:
    with TemporaryDirectory(prefix="fm") as folder:
        async with servers(Path(folder) / "data", report=lambda line: None) as started:
            await migrate(started.dsn)
            KEPT.write_text(await described(started.dsn))


if __name__ == "__main__":
    asyncio.run(main())
