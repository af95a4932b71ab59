"""Everything on one machine: the databases, and the server while they start.

This file is light on purpose. What serves is large, and is loaded in the time that PostgreSQL takes to start.
"""

import asyncio
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from pydantic import SecretStr

from folkmoot import laptop
from folkmoot.listening import listen
from folkmoot.settings import Settings

Report = Callable[[str], None]
Greet = Callable[[str, tuple[str, str] | None], None]


async def up(settings: Settings, *, report: Report, greet: Greet) -> None:
    """Runs until a signal says stop. `greet` gets the address, and how the first admin signs in if nobody knows."""
    with listen(settings) as listening:
        loading = asyncio.create_task(_load_server())
        try:
            async with laptop.servers(
                settings.data, dsn=settings.dsn, redis_url=settings.redis_dsn, report=report
            ) as servers:
                commands = await loading
                await commands.serve_here(with_servers(settings, servers), listening, report=report, greet=greet)
        finally:
            await asyncio.wait([loading])


def with_servers(settings: Settings, servers: laptop.Servers) -> Settings:
    """The settings, with the addresses of running databases."""
    update = {
        "database_url": SecretStr(servers.dsn),
        "database_owner_url": SecretStr(settings.owner_dsn),  # which POSTGRES_* alone would not say any more
        "redis_url": SecretStr(servers.redis_url),
    }
    return settings.model_copy(update=update)


async def _load_server() -> ModuleType:
    return await asyncio.to_thread(import_module, "folkmoot.commands")
