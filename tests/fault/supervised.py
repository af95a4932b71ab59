"""`folkmoot serve --workers` as an operator starts it: a supervisor and its workers, seen from outside."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from folkmoot.settings import Settings
from tests.fault.nodes import OWN
from tests.realtime.wire import Wire, until

PATIENCE_S = 30.0


class Supervised:
    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.port = 0
        self._log = log

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was logged; what is no JSON is there as `said`."""
        return [_read(line) for line in self._log.read_text().splitlines()]

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event.action") == event]

    @property
    def workers(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    async def ready(self, times: int) -> None:
        """Waits until workers have become ready so many times."""
        await until(lambda: len(self.said("worker.ready")) >= times or self._over(), PATIENCE_S)
        assert self.process.returncode is None, self._log.read_text()[-2_000:]
        self.port = self.said("workers.listening")[0]["folkmoot.port"]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    def serving(self, wire: Wire) -> int:
        """The worker on the other end of a socket."""
        own_port = wire.socket.local_address[1]
        for worker in self.workers:
            if any(one.raddr and one.raddr.port == own_port for one in worker.net_connections("tcp")):
                return worker.pid
        raise AssertionError("no worker has this socket")

    def _over(self) -> bool:
        return self.process.returncode is not None


def _read(line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"said": line}


@asynccontextmanager
async def supervised(settings: Settings, folder: Path, *arguments: str, **changes: str) -> AsyncIterator[Supervised]:
    """Started, not yet ready. Whatever of it is left afterwards is killed."""
    environment = {
        **os.environ,
        **OWN,
        "LOG_FORMAT": "json",
        "DATABASE_URL": settings.dsn,
        "REDIS_URL": settings.redis_dsn,
        "FOLKMOOT_DRAIN_S": "0.5",
        "FOLKMOOT_DATABASE_POOL": "4",
        **changes,
    }
    log = folder / "server.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-m", "folkmoot", "serve", "--port", "0", "--workers", "2", *arguments,
            env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    running = Supervised(process, log)
    try:
        yield running
    finally:
        left = running.workers
        if process.returncode is None:
            process.kill()
        await process.wait()
        for worker in left:
            with suppress(psutil.NoSuchProcess):
                worker.kill()


@asynccontextmanager
async def one_socket_on_each(running: Supervised, tokens: list[str]) -> AsyncIterator[dict[int, Wire]]:
    """Sockets by the worker that has them: as many are opened as it takes until each worker has one."""
    async with AsyncExitStack() as closing:
        found: dict[int, Wire] = {}
        for turn in range(64):
            wire = await Wire.open(running.port)
            closing.push_async_callback(wire.leave)
            worker = running.serving(wire)
            if worker not in found:
                await wire.connect(tokens[turn % len(tokens)])
                found[worker] = wire
            if len(found) == len(running.workers):
                break
        yield found
