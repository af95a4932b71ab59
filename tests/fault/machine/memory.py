"""A limit on the memory of some processes, by a control group of the first or the second kind."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fault.machine.tools import MachineForbids, need

ROOT = Path("/sys/fs/cgroup")


class Group:
    def __init__(self, folder: Path, *, limit: str, events: str) -> None:
        self._folder = folder
        self._limit = folder / limit
        self._events = folder / events

    def limit(self, size: int) -> None:
        self._limit.write_text(str(size))

    @property
    def command(self) -> tuple[str, ...]:
        """Stands before a command that shall run in the group: what a process has taken before it comes in is free."""
        return ("sh", "-c", f'echo $$ > {self._folder / "cgroup.procs"} && exec "$0" "$@"')

    @property
    def kills(self) -> int:
        """How often the kernel has killed somebody in here for want of memory."""
        found = re.search(r"^oom_kill (\d+)$", self._events.read_text(), re.MULTILINE)
        assert found is not None, self._events.read_text()
        return int(found.group(1))


@contextmanager
def memory_group() -> Iterator[Group]:
    need()
    group = _make(f"folkmoot-{os.getpid()}")
    try:
        yield group
    finally:
        _remove(group._folder)


def _make(name: str) -> Group:
    try:
        if (ROOT / "memory").is_dir():
            folder = ROOT / "memory" / _own_group().lstrip("/") / name
            folder.mkdir()
            return Group(folder, limit="memory.limit_in_bytes", events="memory.oom_control")
        (ROOT / "cgroup.subtree_control").write_text("+memory")
        folder = ROOT / name
        folder.mkdir()
    except OSError as error:
        raise MachineForbids(f"No control group for memory can be made here: {error}") from None
    return Group(folder, limit="memory.max", events="memory.events")


def _own_group() -> str:
    """Ours in the hierarchy of memory: a group below it is under its limit as well."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return path if (ROOT / "memory" / path.lstrip("/")).is_dir() else "/"
    return "/"


def _remove(folder: Path) -> None:
    """The kernel needs a moment after the last process has ended."""
    for _ in range(100):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.02)
        else:
            return
    folder.rmdir()
