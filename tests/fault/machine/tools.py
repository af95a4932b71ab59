"""Tools of the system that the faults are made with."""

import os
import shutil
import subprocess
from pathlib import Path

# What a command is in on Debian; `make test` installs what is missing (scripts/setup.py).
PACKAGES = {
    "mkfs.ext4": "e2fsprogs",
    "fsck.ext4": "e2fsprogs",
    "mount": "mount",
    "losetup": "mount",
    "ip": "iproute2",
    "tc": "iproute2",
    "iptables": "iptables",
    "strace": "strace",
}


class MachineForbids(Exception):
    """A fault cannot be made here; the message says what is missing."""


def need(*commands: str) -> None:
    """Raises MachineForbids unless we are root on a Linux that has these commands."""
    if os.geteuid() != 0:
        raise MachineForbids(
            "The faults of the machine are made as root. Run `make test` as root in a container or a virtual machine, "
            "or leave them out: pytest --ignore=tests/fault/machine"
        )
    missing = sorted({PACKAGES[name] for name in commands if shutil.which(name) is None})
    if missing:
        raise MachineForbids(f"Missing here: apt-get install {' '.join(missing)}")


def run(*command: str | Path, fine: tuple[int, ...] = (0,)) -> str:
    """What the command prints. Raises MachineForbids with its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode not in fine:
        line = " ".join(map(str, command))
        raise MachineForbids(f"`{line}` ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
