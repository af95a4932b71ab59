"""Programs that run beside us: on a core of their own, with limits, and never left behind."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

SERVER_CORE, LOAD_CORE = 0, 1
TICKS = os.sysconf("SC_CLK_TCK")
START_S, ANSWER_S = 60.0, 200.0


class Failed(Exception):
    """A program did not do what it should; the message holds its last words."""


class Program:
    """A program that says JSON, a line at a time."""

    def __init__(self, process: Process, errors: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._errors = errors

    async def ask(self, word: str) -> dict[str, Any]:
        self.tell(word)
        return await self.hear()

    def tell(self, word: str) -> None:
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(f"{word}\n".encode())

    async def hear(self, within_s: float = ANSWER_S) -> dict[str, Any]:
        async with asyncio.timeout(within_s):
            line = await self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            raise Failed(self.last_words() or "it said nothing")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def last_words(self) -> str:
        return self._errors.read_text()[-2000:]

    async def end(self) -> None:
        """Closes its input, which is how it is asked to end; then less and less politely."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        for patience_s, stop in ((2.0, self._process.terminate), (5.0, self._process.kill)):
            try:
                await asyncio.wait_for(self._process.wait(), patience_s)
                return
            except TimeoutError:
                stop()
        await self._process.wait()


@asynccontextmanager
async def program(
    command: Sequence[str | Path], *, core: int | None, errors: Path, env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> AsyncIterator[Program]:  # fmt: skip
    """Starts it on this core (None: on all), and ends it when the block is left."""
    cores = {core} if core is not None else set(range(os.cpu_count() or 1))
    with errors.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=said, env=env, cwd=cwd, limit=1 << 22,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
    started = Program(process, errors)
    try:
        yield started
    finally:
        await started.end()


def pss_bytes(pid: int) -> int:
    """The memory of a process, with its share of what it has in common with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise Failed(f"no Pss of {pid}")


def cpu_s(pid: int) -> float:
    """What the process has used so far, in the kernel and in itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def family(pid: int) -> list[int]:
    """The process, its children, and theirs."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found
