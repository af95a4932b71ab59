"""What the server remembers on its disk: which release runs, how it came to that, and what is under way.

Each thing is a file that is replaced whole, so that a machine which loses its power finds either the old or the new.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from folkmoot_server.errors import Failed

LOCK_WITHIN_S = 900.0
ENDING = ".backup"


@dataclass(frozen=True)
class Move:
    """A way from one state to another that takes several steps, any of which may be the last before a power cut."""

    what: Literal["upgrade", "back", "restore"]
    former: str  # the release that ran when it began
    to: str  # the release that runs when it has ended
    revision: str  # of the schema before an upgrade: the one that the older of the two releases knows
    backup: str  # the file that holds everything as it was when it began, or what is being restored
    data: Literal["keep", "backup", ""] = ""  # how to go back when the schema went forward


class State:
    def __init__(self, base: Path) -> None:
        self.base = base
        self.releases = base / "releases"
        self.backups = base / "backups"
        self._current = base / "current"
        self._under_way = base / "under-way.json"

    @property
    def current(self) -> str:
        """The release that runs; empty before the first."""
        return self._current.readlink().name if self._current.is_symlink() else ""

    @property
    def kept(self) -> list[Path]:
        """The backups, the oldest first."""
        return sorted(self.backups.glob(f"*{ENDING}"), key=lambda file: (file.stat().st_mtime, file.name))

    @property
    def under_way(self) -> Move | None:
        return _read(self._under_way)

    def upgraded_by(self, release: str) -> Move | None:
        """The upgrade that led to this release; None for the first one."""
        return _read(self._upgrade_to(release))

    def begin(self, move: Move) -> Move:
        _write(self._under_way, move)
        return move

    def arrive(self, release: str, move: Move | None = None) -> None:
        """The release runs. Whatever was under way has ended with it."""
        if move and move.what == "upgrade":
            _write(self._upgrade_to(release), move)
        beside = self.base / "current.new"
        beside.unlink(missing_ok=True)
        beside.symlink_to(Path("releases") / release)
        beside.replace(self._current)
        self.end()

    def end(self) -> None:
        self._under_way.unlink(missing_ok=True)

    def note(self, line: str) -> None:
        with (self.base / "history.log").open("a") as log:
            log.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n")

    @contextmanager
    def lock(self, *, within_s: float = LOCK_WITHIN_S) -> Iterator[int]:
        """One at a time. What we start holds it too: it is free when the last of them has ended, however we ended."""
        with (self.base / "lock").open("w") as file:
            deadline = time.monotonic() + within_s
            while not _locked(file.fileno()):
                if time.monotonic() > deadline:
                    raise Failed("Another deploy or backup is under way on this server. Try again when it has ended.")
                time.sleep(0.1)
            yield file.fileno()

    def _upgrade_to(self, release: str) -> Path:
        return self.releases / release / "upgrade.json"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: Path) -> Move | None:
    return Move(**json.loads(file.read_text())) if file.exists() else None


def _write(file: Path, move: Move) -> None:
    beside = file.with_name(f"{file.name}.new")
    with beside.open("w") as written:
        json.dump(asdict(move), written, indent=1)
        written.flush()
        os.fsync(written.fileno())
    beside.replace(file)
