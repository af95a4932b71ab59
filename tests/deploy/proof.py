"""What proofs that deploy for real have in common: they run plays, tell what they saw, and end at the first fault."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parent.parent.parent
ADMIN = "ada@example.org"


class Proof:
    """One run of a proof, in a folder that holds the checkout it deploys, its `server.yml` and what Ansible said."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.tree = folder / "checkout"
        self.url = url
        self.log = folder / "ansible.log"
        self.began = time.monotonic()

    def tell(self, line: str) -> None:
        print(f"{time.monotonic() - self.began:6.0f} s  {line}", flush=True)

    def expect(self, holds: object, line: str) -> None:
        self.tell(("✓ " if holds else "✗ ") + line)
        if not holds:
            raise SystemExit(1)

    def check_out(self) -> None:
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.tree)], check=True)

    # -- deploying

    async def play(self, name: str, *options: str, kill_when: Callable[[], bool] | None = None) -> tuple[int, str]:
        """Runs a play, or until it is killed with all it started. Returns its status and what it printed."""
        playbook = self.tree / "deploy" / "server" / f"{name}.yml"
        ansible = Path(sys.executable).with_name("ansible-playbook")
        command = [str(ansible), "-i", str(self.folder / "server.yml"), *options, str(playbook)]
        env = os.environ | {"ANSIBLE_CONFIG": str(self.tree / "deploy" / "server" / "ansible.cfg")}
        said = self.folder / "said"
        with said.open("w") as file:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=env
            )
            try:
                while process.returncode is None:
                    if kill_when and kill_when():
                        _kill(process.pid)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(process.wait(), 0.1)
            finally:
                if process.returncode is None:  # we are told to end
                    _kill(process.pid)
        text = said.read_text()
        with self.log.open("a") as log:
            log.write(text)
        return process.returncode, text

    async def deploy(self, *options: str) -> str:
        began = time.monotonic()
        status, text = await self.play("deploy", *options)
        if status:
            print(text[-4000:])
        self.expect(status == 0, f"deployed in {time.monotonic() - began:.0f} s: {recap(text)}")
        return text

    # -- talking

    def http(self, token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, timeout=20, transport=self.way_there()
        )

    def way_there(self) -> httpx.AsyncBaseTransport | None:
        """Where the server's name does not lead to it: how else it is reached."""
        return None

    async def sign_in(self, password: str) -> str:
        async with self.http() as http:
            answer = await http.post("/api/v1.0/user/auth", json={"email": ADMIN, "password": password})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["access_token"])

    async def room(self, token: str) -> int:
        async with self.http(token) as http:
            answer = await http.post("/api/v1.0/rooms", json={"name": "Proof", "visibility": "open"})
        return int(answer.json()["id"])


def recap(text: str) -> str:
    lines = [line for line in text.splitlines() if " ok=" in line]
    return " ".join(lines[-1].split(":", 1)[1].split()[:4]) if lines else "it did not get to an end"


def secrets_of(env: str) -> Mapping[str, str]:
    """The passwords of a `.env`, by their names."""
    named = (line.partition("=") for line in env.splitlines())
    return {name: value for name, _, value in named if name.endswith("PASSWORD")}


def _kill(pid: int) -> None:
    """With kill -9, and all that it started: nobody can clean up."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
