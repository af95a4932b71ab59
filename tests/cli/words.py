"""`python -m folkmoot …`, as an operator types it, with nothing in the environment but what a test gives."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-W", "error", "-m", "folkmoot"]


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    def refusal(self) -> str:
        """The one sentence of a command that failed. Nothing else was said, and above all no traceback."""
        assert self.status == 1, self
        assert self.out == "", self
        assert self.err.startswith("✗ "), self
        assert "Traceback" not in self.err
        return self.err.removeprefix("✗ ").strip()


def environment(**given: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "PYTHONIOENCODING": "utf-8", **given}


class Terminal:
    """Runs commands, each in a process of its own. All are forks of one that has loaded the program already,

    which is what takes most of the time of a command.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.cli.terminal"],
            cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: str, folder: Path, given: str = "", **settings: str) -> Said:
        """Runs a command in a folder to its end; `given` is what it is told on its standard input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"arguments": arguments, "folder": str(folder), "given": given, "environment": environment(**settings)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Said(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=10)


def begin(*arguments: str, folder: Path, **settings: str) -> "subprocess.Popen[str]":
    """Starts a command that runs until it is told to stop."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGTERM) -> Said:
    """Asks it to stop, and waits for that."""
    if process.poll() is None:
        process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return Said(process.returncode, out, err)


def wait_until(done: object, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
