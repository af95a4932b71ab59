"""Starts the programs of the examples, and ends them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.people import NO_TLS
from tests.ports import free_port

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
START_S = 60.0
STOP_S = 20.0


@dataclass
class Program:
    """A running program, and a client of it when it listens."""

    process: asyncio.subprocess.Process
    address: str
    http: httpx.AsyncClient
    said: list[str]

    async def says(self, words: str) -> None:
        """Waits until it has said so."""
        async with asyncio.timeout(START_S):
            while not any(words in line for line in self.said):
                assert self.process.returncode is None, self.said
                await asyncio.sleep(0.02)


@asynccontextmanager
async def program(folder: str, *command: str, **environment: str) -> AsyncIterator[Program]:
    """A program in the folder of an example, told to end when the block is left. `{port}` is one that is free."""
    port = str(free_port())
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(part.replace("{port}", port) for part in command),
        cwd=EXAMPLES / folder,
        env=kept | {name: value.replace("{port}", port) for name, value in environment.items()},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said: list[str] = []
    listening = asyncio.create_task(_listen(process, said))
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=address, verify=NO_TLS, trust_env=False, timeout=30) as http:
        try:
            yield Program(process, address, http, said)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_S):
                await process.wait()
                await listening


@asynccontextmanager
async def service(folder: str, *command: str, path: str = "/health", **environment: str) -> AsyncIterator[Program]:
    """The same for a program that answers HTTP, once it does."""
    async with program(folder, *command, **environment) as started:
        async with asyncio.timeout(START_S):
            while not await answers(started, path):
                assert started.process.returncode is None, started.said
                await asyncio.sleep(0.05)
        yield started


def gunicorn(*options: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:{port}", *options, "app:app")


async def answers(started: Program, path: str) -> bool:
    try:
        await started.http.get(path)
    except httpx.TransportError:
        return False
    return True


async def _listen(process: asyncio.subprocess.Process, said: list[str]) -> None:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        said.append(line.decode(errors="replace").rstrip())
