"""Follows a page of the docs to the letter: writes its files, runs its commands, and looks for what it promises."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w/.]+\.py)`")
PATIENCE_S = 240
STARTED = "Folkmoot is at"
# What the tests have and a developer need not: it takes seconds to load, and warns of its own settings.
WITHOUT = "-p no:schemathesis -p no:asyncio -p no:cacheprovider"


@dataclass
class Reader:
    """Somebody who does what a page says, in an empty folder, with another port in the place of 8000."""

    folder: Path
    environment: dict[str, str]
    port: int
    said: str = ""
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def follow(self, page: str) -> int:
        """Does everything, in the order of the page. Returns how many blocks there were."""
        blocks = list(BLOCK.finditer(page))
        for number, block in enumerate(blocks):
            before = page[blocks[number - 1].end() if number else 0 : block.start()]
            kind, text = block[1], block[2].replace("8000", str(self.port))
            if kind == "sh":
                self._run(text)
            elif kind == "text":
                self._expect(text)
            else:
                self._write(before, text)
        return len(blocks)

    def end(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_S)

    def _write(self, before: str, text: str) -> None:
        name = FILE.findall(before)[-1]
        (self.folder / name).write_text(text)

    def _run(self, command: str) -> None:
        if "folkmoot up" in command:
            self._start(command)
            return
        done = subprocess.run(
            ["bash", "-euc", command], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        self.said = done.stdout
        if token := re.search(r"^Token .*: (\S+)$", self.said, re.MULTILINE):
            self.environment["TOKEN"] = token[1]

    def _start(self, command: str) -> None:
        output = self.folder / "up.txt"
        with output.open("w") as out:
            self.running.append(
                subprocess.Popen(
                    ["bash", "-euc", command.replace("folkmoot up", "exec folkmoot up")], cwd=self.folder,
                    env=self.environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL, text=True,
                )
            )  # fmt: skip
        until = time.monotonic() + PATIENCE_S
        while STARTED not in output.read_text():
            assert self.running[-1].poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.1)

    def _expect(self, promised: str) -> None:
        for line in promised.strip("\n").splitlines():
            is_there = line in self.said or (self.folder / line).is_file()
            assert is_there, f"{line!r} is promised, and this was said:\n{self.said}"


def reader(folder: Path, checkout: Path, port: int) -> Iterator[Reader]:
    """A reader who has `folkmoot` and `python` on the PATH, and no settings of ours."""
    programs = folder / "bin"
    programs.mkdir()
    for name, start in (("python", sys.executable), ("folkmoot", f"{sys.executable} -m folkmoot")):
        (programs / name).write_text(f'#!/bin/sh\nexec {start} "$@"\n')
        (programs / name).chmod(0o755)
    known = ("PATH", "HOME", "LANG", "TMPDIR")
    environment = {name: os.environ[name] for name in known if name in os.environ}
    environment |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "PYTEST_ADDOPTS": WITHOUT,
        "FOLKMOOT_PORT": str(port),
    }
    (folder / "work").mkdir()
    opened = Reader(folder / "work", environment, port)
    yield opened
    opened.end()
