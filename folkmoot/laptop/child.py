"""A server process of ours: started, watched, stopped, and never left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from folkmoot.laptop.problems import LaptopError

LOG_BYTES = 1 << 20
LAST_WORDS_BYTES = 2_000

# It waits for the end of its standard input, whose other end only we hold. That comes when we die, however
# we die, on every Unix; then it asks the server to stop. (Linux could do this with PR_SET_PDEATHSIG, but
# setpriv's change of credentials clears that, and macOS has no such thing.)
GUARDIAN = 'trap "" HUP INT TERM; read -r line; kill -"$1" "$2"'


@dataclass(frozen=True)
class Manners:
    """How a server is asked to stop: each signal, and how long it may take."""

    name: str
    steps: tuple[tuple[signal.Signals, float], ...]


def environment() -> dict[str, str]:
    """What a server gets to know: neither our secrets nor somebody's PG* variables."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


class Child:
    """One running server."""

    def __init__(self, manners: Manners, process: Process, guardian: Process, log: Path, log_start: int) -> None:
        self.name = manners.name
        self.log = log
        self._manners = manners
        self._process = process
        self._guardian = guardian
        self._log_start = log_start
        self._stopping = False
        self._died: Callable[[LaptopError], None] | None = None
        self._watch = asyncio.create_task(self._wait(), name=f"watch {self.name}")

    @classmethod
    async def start(cls, manners: Manners, command: Sequence[str | Path], *, cwd: Path, log: Path) -> "Child":
        rotate(log)
        with log.open("ab") as output:
            start = output.tell()
            process = await asyncio.create_subprocess_exec(
                *command, cwd=cwd, env=environment(), stdin=DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        try:
            guardian = await _guard(process.pid, manners.steps[0][0])
        except BaseException:  # cancelled, too: nobody may be left without a guardian
            process.kill()
            await process.wait()
            raise
        return cls(manners, process, guardian, log, start)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def when_it_dies(self, tell: Callable[[LaptopError], None]) -> None:
        """`tell` is called once, should the server end before we stop it; at once, if it has already."""
        self._died = tell
        if self._watch.done():
            self._obituary()

    def last_words(self) -> str:
        """What it has logged since it started, as much as fits a screen; nothing, when the log is gone."""
        try:
            with self.log.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, end - LAST_WORDS_BYTES))
                return log.read().decode(errors="replace")
        except OSError as error:
            return f"({error})"

    async def stop(self) -> None:
        """Stops it for good, also when the caller is cancelled meanwhile."""
        self._stopping = True
        stopping = asyncio.create_task(self._stop(), name=f"stop {self.name}")
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise

    async def _stop(self) -> None:
        for step, patience_s in (*self._manners.steps, (signal.SIGKILL, 60.0)):
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(step)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._watch), patience_s)
                return

    async def _wait(self) -> None:
        await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            self._guardian.kill()  # before anybody else can get the process id it holds
        await self._guardian.wait()
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._obituary()

    def _obituary(self) -> None:
        code = self._process.returncode
        if self._stopping or self._died is None or code is None:
            return
        how = f"by {_signal_name(-code)}" if code < 0 else f"with status {code}"
        words = self.last_words().strip() or "(it said nothing)"
        self._died(
            LaptopError(
                f"{self.name} ended while Folkmoot was running ({how}). Start Folkmoot again: what was "
                f"acknowledged is kept. Its last words, from {self.log}:\n\n{words}"
            )
        )


async def _guard(pid: int, stop: signal.Signals) -> Process:
    return await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", GUARDIAN, "folkmoot-guardian", stop.name.removeprefix("SIG"), str(pid),
        cwd="/", env=environment(), stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True,
    )  # fmt: skip


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def rotate(log: Path) -> None:
    """Keeps one older log beside a full one."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


async def stop_leftover(manners: Manners, pid: int, mark: str) -> None:
    """Stops what an earlier run left behind: a process whose command line holds `mark`, and no other."""
    for step, patience_s in (*manners.steps, (signal.SIGKILL, 10.0)):
        if not runs(pid, mark):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, step)
        for _ in range(int(patience_s / 0.02)):
            if not runs(pid, mark):
                return
            await asyncio.sleep(0.02)


def runs(pid: int, mark: str) -> bool:
    """Whether this process is alive and was started with `mark`: process ids are used again."""
    return mark in _command_line(pid)


def _command_line(pid: int) -> list[str] | str:
    if sys.platform == "linux":
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        except OSError:
            return []
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def read_pid(path: Path) -> int | None:
    """The process id in the first line of a file; None when there is none."""
    try:
        return int(path.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
