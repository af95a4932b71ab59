"""Nodes in processes of their own, which can be killed, stopped and looked at."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from folkmoot.testing.generous import environment
from tests.people import NO_TLS

START_S = 120.0  # of a machine that does ten other things

OWN = {
    "API_MODE": "dev",
    "FOLKMOOT_SERVE_SITE": "false",
    # On a busy machine a start takes long, and more is said meanwhile than people would: nobody loads a page here.
    "FOLKMOOT_RECOVER_EVENTS": "100000",
    **environment(),
}


class Server:
    """`folkmoot serve` in a process of its own, on one port for all its lives.

    `command` stands before the interpreter (`prlimit`, `ip netns exec`), `module` is what the interpreter runs, and
    `settings` are environment variables.
    """

    def __init__(
        self,
        port: int,
        log: Path,
        *,
        dsn: str,
        redis_url: str,
        host: str = "127.0.0.1",
        command: Sequence[str] = (),
        module: Sequence[str] = ("folkmoot",),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self.host = host
        self.log = log
        self._command = (*command, sys.executable, "-m", *module, "serve")
        self._process: asyncio.subprocess.Process | None = None
        self.environment = {
            **os.environ,
            **OWN,
            "DATABASE_URL": dsn,
            "REDIS_URL": redis_url,
            "FOLKMOOT_HOST": host,
            "FOLKMOOT_PORT": str(port),
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was never started"
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, *, ready: bool = True) -> None:
        """Starts it, and waits until it answers unless that is not wanted."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self.environment, stdout=log, stderr=log
            )
        if ready:
            await self.answers(START_S)

    async def answers(self, within_s: float) -> None:
        async with asyncio.timeout(within_s), httpx.AsyncClient(verify=NO_TLS, trust_env=False) as client:
            while True:
                assert self.is_alive, self.last_words()
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.url}/api")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def get(self, path: str, within_s: float = 5.0) -> int:
        """The status of a page of this node."""
        async with httpx.AsyncClient(verify=NO_TLS, trust_env=False, timeout=within_s) as client:
            return (await client.get(f"{self.url}{path}")).status_code

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def terminate(self, within_s: float = 25.0) -> int:
        """Asks it to end, as a rolling update does; its exit code."""
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), within_s)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.is_alive:
            self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Ends it, whatever state it is in."""
        if not self.is_alive:
            return
        self.thaw()
        try:
            await self.terminate(15.0)
        except TimeoutError:
            await self.kill()

    # -- what the system knows of it

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3_000:]

    def complaints(self) -> list[str]:
        """Lines of its log that tell of an exception nobody expected."""
        signs = ("Traceback", "exception was never retrieved", "[error", "[critical", "was destroyed but it is pending")
        return [line for line in self.log.read_text(errors="replace").splitlines() if any(s in line for s in signs)]


@asynccontextmanager
async def serving(port: int, log: Path, **options: object) -> AsyncIterator[Server]:
    server = Server(port, log, **options)  # type: ignore[arg-type]
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
