"""The data folder: claimed by one process at a time, checked for room before anything is written."""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from folkmoot.laptop.problems import LaptopError, disk_full, folder_problem

# sockaddr_un holds 108 bytes with the closing zero on Linux, 104 on macOS.
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")

NEW_DATABASE_BYTES = 300 << 20
RUNNING_BYTES = 64 << 20


@dataclass(frozen=True)
class Folder:
    """The folders of one Folkmoot, all of them absolute."""

    root: Path
    run: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def log(self) -> Path:
        return self.root / "log"


def locate(data: Path) -> Folder:
    """The folders that belong to this data folder, whether or not they are there."""
    root = Path(os.path.abspath(data.expanduser()))
    return Folder(root, _run_folder(root))


def claimed(folder: Folder) -> bool:
    """Whether a Folkmoot that runs now holds this data folder."""
    try:
        with (folder.root / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def usable(folder: Folder) -> int:
    """Bytes that are free for a data folder that can be used, whether or not it is there; nothing is changed.

    Raises LaptopError as `claim` does, which asks this first. Whether another process holds it is not asked.
    """
    try:
        there = _nearest(folder.root)
        if not there.is_dir():
            raise OSError(errno.ENOTDIR, "it is not a folder" if there == folder.root else f"{there} is not a folder")
        with tempfile.TemporaryFile(dir=there):
            pass
        if (lock := folder.root / "lock").exists():
            lock.open("r+").close()
    except OSError as error:
        raise folder_problem(folder.root, error) from None
    return _check_room(folder)


def free_bytes(folder: Folder) -> int:
    """What is free on the disk that holds a data folder, or would hold it."""
    return shutil.disk_usage(_nearest(folder.root)).free


@contextmanager
def claim(data: Path) -> Iterator[Folder]:
    """Makes the data folder and holds its lock. Refuses when another process holds it."""
    folder = locate(data)
    usable(folder)
    root = folder.root
    try:
        # Servers that run as another account must walk through it; what is private lies deeper.
        root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        (root / "log").mkdir(mode=0o700, exist_ok=True)
        lock = (root / "lock").open("a+")
    except OSError as error:
        raise folder_problem(root, error) from None
    with lock:
        try:
            _lock(lock.fileno())
        except BlockingIOError:
            lock.seek(0)
            raise LaptopError(
                f"Folkmoot already runs with the data folder {root} (process {lock.read().strip() or '?'}). "
                "Stop that one first, or name another folder: FOLKMOOT_DATA=/path/to/folder."
            ) from None
        except OSError as error:
            raise folder_problem(root, error) from None
        _write_pid(lock.fileno(), root)
        yield folder


def _lock(lock: int) -> None:
    """Takes the lock for ourselves. Another command that asks `claimed` holds it for a moment."""
    for _ in range(5):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_pid(lock: int, root: Path) -> None:
    try:
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except OSError as error:
        raise folder_problem(root, error) from None


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest of what it lies in that is there."""
    return next(each for each in (path, *path.parents) if os.path.lexists(each))


def _check_room(folder: Folder) -> int:
    """PostgreSQL on a full disk loses nothing, but stops in words that help nobody. Returns the bytes that are free."""
    free = free_bytes(folder)
    needed = RUNNING_BYTES if folder.postgres.exists() else NEW_DATABASE_BYTES
    if free < needed:
        raise disk_full(folder.root, f": {free >> 20} MB are free, {needed >> 20} MB are needed")
    return free


def _run_folder(root: Path) -> Path:
    """Where the sockets go: beside the data, or where the path is short and plain enough for one."""
    beside = root / "run"
    # These have a meaning of their own in PostgreSQL's list of socket folders and in the hosts of an address.
    plain = not set(',"') & set(str(beside))
    if plain and len(os.fsencode(beside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_BYTES:
        return beside
    name = f"folkmoot-{os.geteuid()}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}"
    return _runtime_base() / name


def _runtime_base() -> Path:
    wanted = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    for base in (wanted, tempfile.gettempdir()):
        if base and len(base) < 50 and os.access(base, os.W_OK):
            return Path(base)
    return Path("/tmp")  # noqa: S108 - Account.own checks that the folder below it is ours
