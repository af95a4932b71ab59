"""A look at every service at once, for the operator."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from folkmoot.errors import CommandFailed
from folkmoot.services.container import Services
from folkmoot.services.service import Health, Service


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of one service. `breaker` says when a server leaves it alone."""

    name: str
    address: str
    health: Health
    breaker: str


async def check_file(path: Path | None) -> list[Look]:
    """Reads the file and asks each service once, all at the same time. Raises BadServices."""
    if path is None:
        raise CommandFailed("There are no services: set FOLKMOOT_SERVICES to the path of a file that names them.")
    async with Services.of_file(path) as services:
        return list(await asyncio.gather(*map(_look, services)))


async def _look(service: Service) -> Look:
    entry = service.entry
    failures = "1 failure" if entry.breaker_failures == 1 else f"{entry.breaker_failures} failures"
    return Look(
        service.name, entry.base_uri, await service.check(), f"opens after {failures}, for {entry.breaker_open_s:g} s"
    )
