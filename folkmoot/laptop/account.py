"""Who the servers run as. PostgreSQL refuses to be root, so root lends them an account without rights."""

import errno
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from folkmoot.laptop.folder import Folder
from folkmoot.laptop.problems import LaptopError, folder_problem

# Bits of the Linux capability sets (linux/capability.h).
REACH = {"dac_override": 1, "dac_read_search": 2}
SETPCAP = 8


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int
    name: str
    command: tuple[str, ...] = ()  # stands before a command, so that it runs as this account

    def own(self, folder: Path) -> None:
        """Makes a folder that this account alone can use.

        It may lie where everybody writes, as /tmp: one that somebody else made first is refused, because we
        have no right to take it over, or because it is a link to something of ours.
        """
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(folder))
            if found.st_uid != self.uid:
                os.chown(folder, self.uid, self.gid, follow_symlinks=False)
            if found.st_mode & 0o077:
                folder.chmod(0o700)
        except OSError as error:
            raise folder_problem(folder, error) from None


def choose_account(folder: Folder, binary: Path) -> Account:
    """The account for this data folder: ourselves, or as root the folder's owner, `postgres` or `nobody`."""
    owner = folder.postgres.stat().st_uid if folder.postgres.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise LaptopError(
                f"The database in {folder.postgres} belongs to the user {_name(owner)}, and you are "
                f"{_name(os.geteuid())}. Start Folkmoot as {_name(owner)}, or name another folder: "
                "FOLKMOOT_DATA=/path/to/folder."
            )
        return Account(os.geteuid(), os.getegid(), _name(os.geteuid()))
    if owner == 0:
        raise LaptopError(
            f"The database in {folder.postgres} belongs to root, as after a copy, and PostgreSQL refuses to "
            f"run as root. Give it back: chown -R {_unprivileged().pw_name} {folder.postgres}"
        )
    entry = _unprivileged() if owner is None else _entry(owner)
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, _run_as(entry, (folder.root, binary)))


def client_name() -> str:
    """The name that PostgreSQL sees when we connect."""
    return _name(os.geteuid())


def _run_as(entry: pwd.struct_passwd, paths: tuple[Path, ...]) -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise LaptopError(
            "PostgreSQL refuses to run as root, and this machine has no setpriv to run it as another user. "
            "Start Folkmoot as an ordinary user, or give DATABASE_URL and REDIS_URL."
        )
    command = (setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
    if all(_reachable(path, entry) for path in paths):
        return command
    # A folder below a private one, as /root: let the account walk through, and change nobody's permissions.
    held = _capabilities()
    if reach := ",".join(f"+{name}" for name, bit in REACH.items() if held >> bit & 1):
        # PostgreSQL looks for its own files with access(2), which counts capabilities only with this bit.
        secure = ["--securebits=+no_setuid_fixup"] if held >> SETPCAP & 1 else []
        return (*command, *secure, f"--inh-caps={reach}", f"--ambient-caps={reach}")
    raise LaptopError(
        f"PostgreSQL refuses to run as root, and the user {entry.pw_name} cannot reach {paths[0]}. Name a "
        "folder that everybody can enter: FOLKMOOT_DATA=/path/to/folder."
    )


def _reachable(path: Path, entry: pwd.struct_passwd) -> bool:
    """Whether an account without further groups may walk to a path and read it, as far as it is there."""
    for step in filter(Path.exists, (path, *path.parents)):
        found = step.stat()
        shift = 6 if found.st_uid == entry.pw_uid else 3 if found.st_gid == entry.pw_gid else 0
        if not found.st_mode >> shift & 1:
            return False
    return True


def _capabilities() -> int:
    """The capabilities that we hold ourselves and so can hand on. A container may have dropped some."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LaptopError(
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as. "
        "Start Folkmoot as an ordinary user."
    )


def _entry(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise LaptopError(
            f"The user id {uid} has no name on this machine, and PostgreSQL needs one. "
            "Start Folkmoot as a user that /etc/passwd knows."
        ) from None


def _name(uid: int | None) -> str:
    return _entry(uid).pw_name if uid is not None else "nobody"
