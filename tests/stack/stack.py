"""The stack of a server, from `make env` to the last container, in a folder of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ports import free_port
from tests.stack.engine import copy_of
from tests.stack.files import ROOT

BUILD_S = 900
START_S = 240


class StackError(Exception):
    """Docker could not do it; the message is what it said."""


@dataclass(frozen=True)
class Stack:
    folder: Path
    port: int
    env: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def compose(self, *arguments: str, within_s: float = 120) -> str:
        """Runs `docker compose` as its operator does. Returns what it wrote."""
        return _run(["docker", "compose", *arguments], self.folder, within_s)

    def ids(self, service: str) -> list[str]:
        return self.compose("ps", "-q", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        inspected: dict[str, Any] = json.loads(_run(["docker", "inspect", container], self.folder, 30))[0]
        return inspected

    def ask(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in a container, whatever comes of it."""
        return subprocess.run(
            ["docker", "compose", "exec", "-T", service, *command],
            cwd=self.folder, capture_output=True, text=True, timeout=60, check=False, env=_environment(),
        )  # fmt: skip


def _environment() -> dict[str, str]:
    """Without what would speak over the `.env` of the folder."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COMPOSE_", "POSTGRES_", "API_"))}


def _run(command: list[str], folder: Path, within_s: float) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=within_s, check=False, env=_environment()
    )
    if done.returncode:
        raise StackError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        )
    return done.stdout


@contextmanager
def stack_of_a_server(folder: Path) -> Iterator[Stack]:
    copy_of(ROOT, folder)
    port = free_port()
    name = f"folkmoot-test-{os.getpid()}"
    given = ["--for", "production", "--url", f"http://localhost:{port}", "--email", "operator@example.org"]
    _run([sys.executable, "scripts/environment.py", "env", *given], folder, 30)
    with (folder / ".env").open("a") as file:
        file.write(f"COMPOSE_PROJECT_NAME={name}\nFOLKMOOT_VERSION=tested\nHTTP_PORT=127.0.0.1:{port}\n")
        file.write(f"WEB_NETWORK=10.214.{os.getpid() % 250}\nDB_ALLOW=private\nCOMPOSE_PROFILES=adminer\n")
        file.write("FOLKMOOT_HANDSHAKES_PER_MINUTE=1000\n")  # who comes back while servers restart tries often
    env = dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines() if "=" in line)
    stack = Stack(folder, port, env)
    stack.compose("build", within_s=BUILD_S)
    try:
        stack.compose("up", "-d", "--wait", within_s=START_S)
        yield stack
    except StackError:
        print(stack.compose("logs", "--tail", "40"))
        raise
    finally:
        stack.compose("down", "--volumes", "--timeout", "20", within_s=180)
