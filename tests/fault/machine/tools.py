"""Tools of the system that the faults are made with."""

import os
import shutil
import subprocess
from pathlib import Path


class MachineForbids(Exception):
    """A fault cannot be made here; the message says what is missing."""


def need(*commands: str) -> None:
    """Raises MachineForbids unless we are root on a Linux that has these commands."""
    if os.geteuid() != 0:
        raise MachineForbids(
            "The faults of the machine are made as root. Run `make test` as root in a container or a virtual machine, "
            "or leave them out: pytest --ignore=tests/fault/machine"
        )
    missing = [name for name in commands if shutil.which(name) is None]
    if missing:
        raise MachineForbids(f"Missing here: {', '.join(missing)}. `make test` installs it on Debian and Ubuntu.")


def run(*command: str | Path, fine: tuple[int, ...] = (0,)) -> str:
    """What the command prints. Raises MachineForbids with its words when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode not in fine:
        line = " ".join(map(str, command))
        raise MachineForbids(f"`{line}` ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
