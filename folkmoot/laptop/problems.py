"""Why a laptop cannot start its servers, in sentences that say what to do."""

import errno
from pathlib import Path


class LaptopError(Exception):
    """PostgreSQL or Valkey cannot run here. The message is for the person at the terminal."""


def folder_problem(folder: Path, error: OSError) -> LaptopError:
    """The sentence for a data folder that refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full(folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return LaptopError(
            f"Folkmoot cannot write to its data folder {folder} ({error.strerror}). "
            "Make it writable for this user, or name another folder: FOLKMOOT_DATA=/path/to/folder."
        )
    return LaptopError(
        f"Folkmoot cannot use its data folder {folder}: {error.strerror or error}. "
        "Name another folder: FOLKMOOT_DATA=/path/to/folder."
    )


def says_disk_full(words: str) -> bool:
    """Whether a server's last words are about a full disk. PostgreSQL has several for it."""
    return any(sign in words for sign in ("No space left", "Check free disk space", "Disk quota exceeded"))


def disk_full(folder: Path, detail: str = "") -> LaptopError:
    return LaptopError(
        f"The disk that holds the data folder {folder} is full{detail}. "
        "Free some space, or name a folder on another disk: FOLKMOOT_DATA=/path/to/folder."
    )


def did_not_start(name: str, log: Path, said: str) -> LaptopError:
    """The sentence for a server that ended while it started: with its own last words."""
    words = said.strip() or "(it said nothing)"
    return LaptopError(f"{name} did not start. Its last words:\n\n{words}\n\nMore is in {log}.")
