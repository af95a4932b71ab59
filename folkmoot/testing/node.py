"""Servers in a thread of their own, so that tests can be plain functions."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TypeVar

import uvloop

from folkmoot.app import running
from folkmoot.commands import prepare
from folkmoot.laptop import Servers, servers
from folkmoot.listening import listen
from folkmoot.settings import load_settings
from folkmoot.testing.generous import GENEROUS
from folkmoot.testing.people import ADMIN_EMAIL, PASSWORD, Folkmoot

T = TypeVar("T")

PATIENCE_S = 120.0


@dataclass(frozen=True)
class Machine:
    """Running databases, and the loop that the servers of the tests run in."""

    servers: Servers
    loop: asyncio.AbstractEventLoop


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Starts a PostgreSQL and a Valkey whose data are gone afterwards."""
    loop = uvloop.new_event_loop()
    thread = Thread(target=loop.run_forever, name="folkmoot-tests", daemon=True)
    thread.start()
    try:
        with _held(loop, servers(folder, report=lambda line: None)) as started:
            yield Machine(started, loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


@contextmanager
def start(on: Machine, module: Path, **changes: object) -> Iterator[Folkmoot]:
    """Starts a server with a module. What is wrong with the module is raised, with file and line."""
    settings = load_settings(
        **{
            "api_mode": "production",
            "database_url": on.servers.dsn,
            "redis_url": on.servers.redis_url,
            "port": 0,
            "serve_site": False,
            "drain_s": 0.2,
            "api_admin_email": ADMIN_EMAIL,
            "api_admin_password": PASSWORD,
            "modules": (str(module),),
            "modules_strict": True,
        }
        | GENEROUS
        | changes
    )
    asyncio.run_coroutine_threadsafe(prepare(settings, migrate_first=True), on.loop).result(PATIENCE_S)
    with _held(on.loop, running(settings, listen(settings))) as node, Folkmoot(f"http://127.0.0.1:{node.port}") as it:
        yield it


@contextmanager
def _held(loop: asyncio.AbstractEventLoop, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """What the manager gives, entered and left by one task of the loop, while this thread does something else."""
    entered: Future[T] = Future()
    leave = asyncio.Event()

    async def hold() -> None:
        try:
            async with manager as value:
                entered.set_result(value)
                await leave.wait()
        except BaseException as error:  # whatever keeps it from starting is raised where it is waited for
            if entered.done():
                raise
            entered.set_exception(error)

    holding = asyncio.run_coroutine_threadsafe(hold(), loop)
    try:
        yield entered.result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(leave.set)
        holding.result(PATIENCE_S)
