"""Writes fresh secrets for an overlay with its databases inside, once: `make_secrets.py minikube`."""

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
    redis = secrets.token_hex(24)
    write(
        overlay / "databases.env",
        POSTGRES_PASSWORD=secrets.token_hex(24),
        REDIS_PASSWORD=redis,
        REDIS_URL=f"redis://:{redis}@redis:6379/0",
    )
    write(overlay / "secrets.env", API_ADMIN_PASSWORD=secrets.token_urlsafe(15))


if __name__ == "__main__":
    try:
        write_all(OVERLAYS / sys.argv[1])
    except IndexError:
        sys.exit("Say for which overlay: make_secrets.py minikube")
    except FileNotFoundError:
        sys.exit(f"There is no overlay {sys.argv[1]} in {OVERLAYS}.")
    except FileExistsError as error:
        sys.exit(f"{error.filename} is there already. Remove it if no database has its password.")
