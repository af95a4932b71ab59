"""Writes fresh secrets for an overlay with its databases inside, once: `make_secrets.py minikube`.

Where `database-owner.env` is missing beside what an older version wrote, it is made of that, and no password is lost.
"""

import os
import secrets
import sys
from pathlib import Path

OVERLAYS = Path(__file__).resolve().parent / "overlays"


def write(file: Path, **values: str) -> None:
    """Raises FileExistsError: what is there may be the password of a database that is there too."""
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.writelines(f"{name}={value}\n" for name, value in values.items())


def write_all(overlay: Path) -> None:
    databases, owner = overlay / "databases.env", overlay / "database-owner.env"
    if databases.exists() and not owner.exists():
        separate(databases, owner)
        return
    redis = secrets.token_hex(24)
    write(owner, POSTGRES_OWNER="folkmoot", POSTGRES_OWNER_PASSWORD=secrets.token_hex(24))
    write(databases, POSTGRES_PASSWORD=secrets.token_hex(24), REDIS_PASSWORD=redis, REDIS_URL=address(redis))
    write(overlay / "secrets.env", API_ADMIN_PASSWORD=secrets.token_urlsafe(15))


def separate(databases: Path, owner: Path) -> None:
    """Of files from when the servers owned the database: it is the owner's password, and they get their own."""
    before = dict(line.split("=", 1) for line in databases.read_text().splitlines() if "=" in line)
    fresh = databases.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    write(
        fresh,
        POSTGRES_PASSWORD=secrets.token_hex(24),
        REDIS_PASSWORD=before["REDIS_PASSWORD"],
        REDIS_URL=address(before["REDIS_PASSWORD"]),
    )
    half = owner.with_suffix(".new")
    half.unlink(missing_ok=True)
    write(half, POSTGRES_OWNER="folkmoot", POSTGRES_OWNER_PASSWORD=before["POSTGRES_PASSWORD"])
    half.replace(owner)  # first: should this end here, the next call says that it is there, and nothing is lost
    fresh.replace(databases)


def address(password: str) -> str:
    return f"redis://folkmoot:{password}@redis:6379/0"


if __name__ == "__main__":
    try:
        write_all(OVERLAYS / sys.argv[1])
    except IndexError:
        sys.exit("Say for which overlay: make_secrets.py minikube")
    except FileNotFoundError:
        sys.exit(f"There is no overlay {sys.argv[1]} in {OVERLAYS}.")
    except FileExistsError as error:
        sys.exit(f"{error.filename} is there already. Remove it if no database has its password.")
