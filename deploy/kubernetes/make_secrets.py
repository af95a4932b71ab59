"""Writes fresh secrets for an overlay with its databases inside, once: `make_secrets.py minikube`."""

import os
import secrets
import sys
from pathlib import Path

OVERLAYS = Path(__file__).resolve().parent / "overlays"


def write(file: Path) -> None:
    """Raises FileExistsError: what is there may be the password of a database that is there too."""
    postgres, redis, admin = secrets.token_hex(24), secrets.token_hex(24), secrets.token_urlsafe(15)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"POSTGRES_PASSWORD={postgres}\n")
        opened.write(f"REDIS_PASSWORD={redis}\n")
        opened.write(f"REDIS_URL=redis://:{redis}@redis:6379/0\n")
        opened.write(f"API_ADMIN_PASSWORD={admin}\n")


if __name__ == "__main__":
    try:
        write(OVERLAYS / sys.argv[1] / "secrets.env")
    except IndexError:
        sys.exit("Say for which overlay: make_secrets.py minikube")
    except FileNotFoundError:
        sys.exit(f"There is no overlay {sys.argv[1]} in {OVERLAYS}.")
    except FileExistsError as error:
        sys.exit(f"{error.filename} is there already. Remove it if no database has its password.")
