"""Writes `.env` for the stack in compose, with fresh secrets; and gives the database other passwords.

    make env                                                            for development, at http://localhost
    make env FOR=production URL=https://chat.example.org EMAIL=me@example.org
    make password                                                       of owner and servers, for a volume that is there

What stands in `.env` stays as it is: only what is missing is added. It needs nothing but Python.
"""

import argparse
import os
import re
import secrets
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

ENV = Path(".env")
SOMEBODY = 10001  # who the files belong to where root writes them: nothing in the stack runs as root
DATA = Path(".data/stack/postgres")
PRODUCTION = "compose.yaml:compose.production.yaml"


class Refused(Exception):
    """It cannot be done; the message says why, and what to do."""


def wanted(purpose: str, url: str, email: str) -> dict[str, str]:
    """The variables of a new installation. Secrets are made anew with each call."""
    uid, gid = owner()
    common = {
        "UID": str(uid),
        "GID": str(gid),
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "POSTGRES_SERVER_PASSWORD": secrets.token_urlsafe(24),
        "REDIS_PASSWORD": secrets.token_urlsafe(24),
        "FOLKMOOT_KEYS": f"{secrets.token_hex(4)}:{b64encode(secrets.token_bytes(32)).decode()}",
        "API_ADMIN_EMAIL": email or "admin@localhost",
        "API_ADMIN_PASSWORD": secrets.token_urlsafe(12),
        "FOLKMOOT_URL": url or "http://localhost",
    }
    if purpose == "development":
        return {"API_MODE": "dev"} | common
    if read().get("API_MODE", "production") != "production":
        raise Refused("The .env here is for development. Move it away, or work in another folder.")
    if not url or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Refused("Say the address that people will open: make env FOR=production URL=https://chat.example.org")
    if "@" not in email:
        raise Refused("Say who is the first admin: make env FOR=production URL=… EMAIL=you@example.org")
    return {"COMPOSE_FILE": PRODUCTION, "API_MODE": "production"} | common


def owner() -> tuple[int, int]:
    """Whom the files of the stack should belong to: who calls, also over sudo."""
    uid, gid = int(os.environ.get("SUDO_UID", os.getuid())), int(os.environ.get("SUDO_GID", os.getgid()))
    return (uid, gid) if uid else (SOMEBODY, SOMEBODY)


def read() -> dict[str, str]:
    if not ENV.exists():
        return {}
    lines = (re.match(r"\s*([A-Z][A-Z0-9_]*)=(.*)", line) for line in ENV.read_text().splitlines())
    return {found[1]: found[2].strip().strip("'\"") for found in lines if found}


def write(text: str) -> None:
    """Replaces `.env` whole, so that it is never half there; only its owner reads it."""
    fresh = ENV.with_name(".env.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(ENV)


def add(values: Mapping[str, str]) -> list[str]:
    """Adds what is missing. Returns the names."""
    there = read()
    missing = {name: value for name, value in values.items() if name not in there}
    if missing:
        before = ENV.read_text().rstrip("\n") + "\n\n" if ENV.exists() else ""
        write(before + "".join(f"{name}={value}\n" for name, value in missing.items()))
    return list(missing)


def change_password() -> None:
    """The database first: should this end in the middle, the next call begins anew, and needs no former password.

    What the servers sign in with is only written down: the database takes it from `migrate`, before they start anew.
    """
    password = secrets.token_urlsafe(24)
    role = read().get("POSTGRES_USER", "folkmoot")
    quoted = role.replace('"', '""')
    done = subprocess.run(
        ["docker", "compose", "exec", "-T", "db", "psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", role, "postgres"],
        input=f"ALTER ROLE \"{quoted}\" PASSWORD '{password}';\n", text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Refused(
            "The database did not take it, and nothing was changed. It must run: docker compose up -d --wait db"
        )
    given = {"POSTGRES_PASSWORD": password, "POSTGRES_SERVER_PASSWORD": secrets.token_urlsafe(24)}
    lines = ENV.read_text().splitlines() if ENV.exists() else []
    kept = [line for line in lines if line.partition("=")[0] not in given]
    write("\n".join([*kept, *(f"{name}={value}" for name, value in given.items())]) + "\n")
    print("The database has another password, and .env too. The servers get one with: docker compose up -d --wait")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["env", "password"])
    parser.add_argument("--for", dest="purpose", choices=["development", "production"], default="development")
    parser.add_argument("--url", default="")
    parser.add_argument("--email", default="")
    given = parser.parse_args()
    try:
        if given.what == "password":
            change_password()
            return 0
        added = add(wanted(given.purpose, given.url, given.email))
    except Refused as refused:
        print(f"✗ {refused}", file=sys.stderr)
        return 1
    print(f"Added to .env: {', '.join(added)}." if added else "Nothing was missing in .env.")
    if "API_ADMIN_PASSWORD" in added:
        print("The first admin signs in with API_ADMIN_EMAIL and API_ADMIN_PASSWORD, which stand there.")
    if "POSTGRES_PASSWORD" in added and DATA.exists():
        print("There is a database already, which has its former password. Give it one: make password")
    return 0


if __name__ == "__main__":
    sys.exit(main())
