"""`folkmoot serve` as an operator runs it, seen through its logs and its admin port."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from folkmoot.settings import Settings
from folkmoot.testing import generous
from tests.cli.words import COMMAND, environment
from tests.people import NO_TLS
from tests.ports import free_ports
from tests.realtime.wire import until

PATIENCE_S = 30.0

Line = dict[str, Any]
Sample = tuple[str, tuple[tuple[str, str], ...]]


@dataclass
class Served:
    process: asyncio.subprocess.Process
    port: int
    admin: httpx.AsyncClient
    log: Path

    @property
    def lines(self) -> list[Line]:
        """What was logged. Every line must be JSON."""
        return read_lines(self.log.read_text())

    def said(self, action: str) -> list[Line]:
        return [line for line in self.lines if line.get("event.action") == action]

    async def hears(self, action: str, count: int = 1, **fields: object) -> list[Line]:
        """Waits until it has said that so often, with these values in the line (`url__path` for `url.path`)."""
        wanted = {name.replace("__", "."): value for name, value in fields.items()}

        def found() -> list[Line]:
            return [line for line in self.said(action) if wanted.items() <= line.items()]

        await until(lambda: len(found()) >= count, PATIENCE_S)
        return found()

    async def scrape(self) -> dict[Sample, float]:
        answer = await self.admin.get("/metrics")
        assert answer.status_code == 200
        return samples(answer.text)

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


def read_lines(text: str) -> list[Line]:
    return [json.loads(line) for line in text.splitlines()]


def samples(text: str) -> dict[Sample, float]:
    """A scrape, as a parser of Prometheus' own reads it: values by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(scraped: dict[Sample, float], name: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels."""
    found = [number for (one, its), number in scraped.items() if one == name and labels.items() <= set(its)]
    assert found, f"there is no {name} {labels}"
    return sum(found)


@asynccontextmanager
async def served(settings: Settings, folder: Path, *arguments: str, **changes: str) -> AsyncIterator[Served]:
    """A server that is ready. It logs to a file, from `info` on, in JSON."""
    port, admin_port, grpc_port = free_ports(3)
    given = {
        "API_MODE": "dev",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
        "DATABASE_URL": settings.dsn,
        "REDIS_URL": settings.redis_dsn,
        "FOLKMOOT_PORT": str(port),
        "FOLKMOOT_ADMIN_PORT": str(admin_port),
        "FOLKMOOT_GRPC_PORT": str(grpc_port),
        "FOLKMOOT_URL": "http://folkmoot.test",
        "FOLKMOOT_SERVE_SITE": "false",
        "FOLKMOOT_DRAIN_S": "0.5",
        "FOLKMOOT_DATABASE_POOL": "4",
        **generous.environment(),
        **changes,
    }
    log = folder / "server.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", *arguments,
            cwd=folder, env=environment(**given), stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        async with reading(admin_port) as admin:
            await ready(admin, process)
            yield Served(process, port, admin, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def reading(admin_port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an admin port, as patient as a slow machine needs."""
    address = f"http://127.0.0.1:{admin_port}"
    async with httpx.AsyncClient(base_url=address, verify=NO_TLS, trust_env=False, timeout=20) as client:
        yield client


async def ready(admin: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await is_ready(admin):
            assert process.returncode is None, "it ended"
            await asyncio.sleep(0.05)


async def is_ready(admin: httpx.AsyncClient) -> bool:
    try:
        return (await admin.get("/ready")).status_code == 200
    except httpx.TransportError:
        return False


def run_python(code: str, **settings: str) -> str:
    """What a program logs with these settings, however it ends."""
    done = subprocess.run(
        [sys.executable, "-c", START + code], env=environment(**settings), capture_output=True, text=True, check=False
    )
    return done.stderr


START = """
import logging, sys, structlog
from folkmoot.settings import load_settings
from folkmoot.telemetry.logs import configure_logs
settings = load_settings()
configure_logs(settings, settings.log_level)
log = structlog.get_logger("test")
"""
