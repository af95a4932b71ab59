"""nginx as the product runs it: the same configuration from the same script, without a container."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.people import NO_TLS
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "deploy" / "nginx"
OWN = ROOT / ".tools" / "nginx" / "usr" / "sbin" / "nginx"
SAME_USER = "user root root;" if os.geteuid() == 0 else ""  # started by root, nginx would not find what root may
START_S = 60.0
STOP_S = 20.0


def nginx() -> str:
    found = shutil.which("nginx", path="/usr/sbin:/usr/local/bin:/opt/homebrew/bin") or shutil.which("nginx")
    return found or str(OWN)


class NotRendered(Exception):
    """The configuration cannot be made; the message is what the operator reads."""


async def render(folder: Path, **variables: str) -> None:
    """Writes a configuration. Raises NotRendered."""
    process = await asyncio.create_subprocess_exec(
        str(SOURCE / "render"), str(folder), env=environment(variables), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        assert process.returncode == 1, said
        raise NotRendered(said.decode().strip())


def environment(variables: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "NGINX_BINARY": nginx(), **variables}


@dataclass
class Front:
    """A running nginx."""

    folder: Path
    log: Path
    port: int
    health_port: int
    process: asyncio.subprocess.Process
    variables: dict[str, str]
    http: httpx.AsyncClient

    @property
    def said(self) -> str:
        """Everything it has written: the access log, and what it says of itself."""
        return self.log.read_text()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What the access log says."""
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]

    async def logged(self, path: str) -> dict[str, Any]:
        """Waits for the line of a request."""
        async with asyncio.timeout(START_S):
            while not (found := [line for line in self.requests if line["url.path"] == path]):
                await asyncio.sleep(0.01)
        return found[-1]

    async def reload(self, **changed: str) -> None:
        """Returns when workers with the new configuration run."""
        self.variables |= changed
        await render(self.folder, **self.variables)
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(START_S):
            while not self.workers() - before:
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """SIGKILL of all its processes; that of the first one alone would leave the workers there."""
        workers = self.workers()
        self.process.kill()
        await self.process.wait()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)

    def workers(self) -> set[int]:
        """The processes that are there, those that are ending too."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}


@asynccontextmanager
async def front(folder: Path, **variables: str) -> AsyncIterator[Front]:
    """nginx with these variables, ready to be asked, until the block is left."""
    health_port = free_port()
    given = {
        "LISTEN": f"127.0.0.1:{free_port()}",
        "LISTEN_HEALTH": f"127.0.0.1:{health_port}",
        "RESOLVER": "127.0.0.1",
        "SITE_FOLDER": str(ROOT / "folkmoot" / "site"),
        "WORKERS": "1",
        "DRAIN": "1",
        "WORKER_CONNECTIONS": "512",
        **variables,
    }
    assert all(given.values()), given
    conf = folder / "nginx"
    await render(conf, **given)
    log = folder / "log"  # a file, because nginx opens its standard output by name, as it does in the container
    with log.open("ab") as writing:
        process = await asyncio.create_subprocess_exec(
            *(nginx(), "-c", str(conf / "nginx.conf"), "-e", "stderr", "-g", f"daemon off; {SAME_USER}"),
            env=environment({}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
        )
    port = int(given["LISTEN"].rpartition(":")[2])
    base_url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base_url, verify=NO_TLS, trust_env=False, timeout=30) as http:
        running = Front(conf, log, port, health_port, process, given, http)
        try:
            await _lives(running)
            yield running
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_S):
                await process.wait()


async def _lives(running: Front) -> None:
    async with asyncio.timeout(START_S):
        while True:
            assert running.process.returncode is None, running.said
            try:
                await running.http.get(f"http://127.0.0.1:{running.health_port}/live")
            except httpx.TransportError:
                await asyncio.sleep(0.01)
            else:
                return
