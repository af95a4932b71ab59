"""Backups of this server: made inside the stack, read once to see that they can be, thrown away when there are many."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from folkmoot_server.errors import Failed
from folkmoot_server.stack import Stack
from folkmoot_server.state import ENDING, State

NIGHTLY = "nightly"
# The kinds that are thrown away when there are more than enough. What somebody gave a name of their own stays.
KINDS = (NIGHTLY, "before")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Backups:
    def __init__(self, state: State, stack: Stack, keep: int) -> None:
        self._state = state
        self._stack = stack
        self._keep = keep

    def make(self, release: str, name: str) -> str:
        """Writes one, reads it again, and returns the name of its file. Nobody has to stop talking for it."""
        if not NAME.fullmatch(name):
            raise Failed(f"{name!r} cannot be the name of a backup: letters, digits, dots and dashes can.")
        file = self._free(f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
        self._stack.back_up(release, file)
        try:
            self._stack.check_backup(release, file)
        except Failed:
            (self._state.backups / file).unlink(missing_ok=True)
            raise
        return file

    def open_up(self, file: str) -> None:
        """Gives a file to whom all backups belong: the stack could not read what root brought from another server.

        Raises Failed when it is not there, with the names of those that are.
        """
        found = self._state.backups / file
        if NAME.fullmatch(file) and found.is_file() and not found.is_symlink():
            folder = self._state.backups.stat()
            os.chown(found, folder.st_uid, folder.st_gid)
            found.chmod(0o600)
            return
        there = "".join(f"\n  {each.name}" for each in self._state.kept) or " none"
        raise Failed(f"There is no backup {file!r} in {self._state.backups}. There are:{there}")

    def prune(self) -> list[str]:
        """Throws away the oldest of each kind, but never one that somebody may still want to go back to."""
        gone = [file for kind in KINDS for file in self._of(kind)[: -self._keep] if file.name not in self._wanted()]
        for file in gone:
            file.unlink(missing_ok=True)
        return [file.name for file in gone]

    def _free(self, name: str) -> str:
        """The name of a file that is not there: two in one second are two."""
        names = (f"{name}{more}{ENDING}" for more in ("", *(f"-{number}" for number in range(2, 100))))
        return next(file for file in names if not (self._state.backups / file).exists())

    def _of(self, kind: str) -> list[Path]:
        return [file for file in self._state.kept if file.name.startswith(f"{kind}-")]

    def _wanted(self) -> set[str]:
        moves = (self._state.under_way, self._state.upgraded_by(self._state.current))
        return {move.backup for move in moves if move}
