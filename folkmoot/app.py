"""The composition root: builds, wires and closes everything. Nothing imports it but the command line and the tests."""

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from sanic import Sanic

from folkmoot.assembly import build_core, build_engine, lay_ground, lay_ground_of_operator
from folkmoot.core import Core
from folkmoot.garbage import spare_the_loop
from folkmoot.gate import Gate, paths_of
from folkmoot.http.server import Ready, build_http, renew_addresses
from folkmoot.http.serving import Serving
from folkmoot.jobs.worker import Worker
from folkmoot.listening import is_shared
from folkmoot.loading.watching import Watch
from folkmoot.modules.messages import channels as room_channels
from folkmoot.modules.sessions.keeper import Keeper
from folkmoot.modules.webhooks.lookout import Lookout
from folkmoot.readiness import Readiness
from folkmoot.realtime.connections import Connections
from folkmoot.realtime.engine import Authenticate, Engine
from folkmoot.realtime.pace import Pace
from folkmoot.realtime.plain import EchoChannel
from folkmoot.realtime.port import Door
from folkmoot.realtime.receiver import Limits
from folkmoot.realtime.recheck import Recheck
from folkmoot.settings import Settings
from folkmoot.telemetry.admin import open_admin_port
from folkmoot.telemetry.parts import Parts, ProcessParts
from folkmoot.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from folkmoot.rpc.server import Remote
    from folkmoot.telemetry.otel import Otel


@dataclass(frozen=True, slots=True)
class Node:
    """A running server."""

    settings: Settings
    port: int
    core: Core
    engine: Engine
    connections: Connections
    grpc_port: int | None
    admin_port: int | None = None


@asynccontextmanager
async def operating(settings: Settings) -> AsyncIterator[Core]:
    """The product without its doors, for commands that call an action and end.

    They call no services: a mistake in the file of those must not keep an operator from shutting an account.
    """
    settings = settings.model_copy(update={"services": None})
    async with AsyncExitStack() as closing:
        yield await build_core(closing, await lay_ground_of_operator(closing, settings))


@asynccontextmanager
async def working(settings: Settings, admin: socket.socket | None = None) -> AsyncIterator[Core]:
    """A process that does background jobs and nothing else. Leaving the block lets those that run end. `admin` is the
    socket of the admin port, if there is to be one: it tells how those jobs end, too.
    """
    async with AsyncExitStack() as closing:
        ground = await lay_ground_of_operator(closing, settings)
        core = await build_core(closing, ground)
        _start_writing(closing, core, ground.lookout)
        worker = Worker(core, concurrency=settings.jobs_concurrency)
        pulse = Pulse(uuid4().hex[:12], ground.bus)
        await core.bus.start()
        pulse.start()
        closing.push_async_callback(pulse.close)
        if admin is not None:
            parts = ProcessParts(core, {"working": ground.database}, pulse)
            ready = Readiness(ground.database, lambda: {"working": worker.is_working}).parts
            await open_admin_port(closing, admin, parts, ready=ready, is_draining=lambda: worker.is_stopping)
        worker.start()
        closing.push_async_callback(worker.close)
        closing.callback(worker.stop)
        yield core


@asynccontextmanager
async def running(
    settings: Settings, listening: socket.socket, admin: socket.socket | None = None
) -> AsyncIterator[Node]:
    """A started node on a socket of `listen`. Leaving the block drains it: in-flight work is answered, then sockets
    are told to come back. `admin` is the socket of the admin port, if there is to be one.
    """
    settings = settings.model_copy(update={"port": listening.getsockname()[1]})  # the system may have chosen one
    async with AsyncExitStack() as closing:
        closing.callback(listening.close)
        if settings.otel_exporter_otlp_endpoint:
            closing.push_async_callback(start_tracing(settings).close)
        ground = await lay_ground(closing, settings, uuid4().hex[:12])
        core = await build_core(closing, ground)
        rooms = room_channels.add_channels(closing, ground.namespaces, core, ground.broker)
        ground.namespaces.add(EchoChannel(ground.broker))
        _start_writing(closing, core, ground.lookout)
        worker = _start_jobs(closing, core)

        keeper = Keeper(ground.database, ground.bus, settings)
        closing.push_async_callback(keeper.close)
        look_up = partial(room_channels.channels_of_users, core)
        recheck = Recheck(ground.bus, ground.hub, ground.namespaces, keeper.still_hold, look_up)
        engine = build_engine(ground, core, keeper, rooms)
        pulse = Pulse(ground.name, ground.bus)
        await ground.bus.start()
        for part in (engine, recheck, pulse):
            part.start()
            closing.push_async_callback(part.close)

        connections = _start_connections(closing, settings)
        ready = Readiness(ground.database, lambda: {"accepting": not connections.is_draining}).parts
        http = build_http(f"folkmoot-{ground.name}", core, ground.modules, keeper.find_enrolling, ready)
        closing.callback(Sanic.unregister_app, http)
        if settings.api_mode == "dev":
            watch = Watch(settings, ground.modules, partial(renew_addresses, http))
            watch.start()
            closing.push_async_callback(watch.close)
        door = Door(Gate(settings, keeper, engine, core.limiter), paths_of(settings), connections, line=engine.line)
        remote = await _start_grpc(closing, core, engine, keeper.find, ready, listening)
        if admin is not None:
            databases = {"reading": ground.database, "writing": ground.written}
            parts = Parts(core, databases, pulse, connections, door, engine, http.ctx.requests)
            await open_admin_port(closing, admin, parts, ready=ready, is_draining=lambda: connections.is_draining)
        serving = await Serving.start(http, door, listening)
        closing.push_async_callback(_drain, serving, remote, settings.drain_s)
        closing.callback(worker.stop)  # what runs may end while everybody else is sent away
        spare_the_loop()
        yield Node(
            settings,
            settings.port,
            core,
            engine,
            connections,
            remote.port if remote else None,
            admin.getsockname()[1] if admin else None,
        )


def start_tracing(settings: Settings) -> "Otel":
    from folkmoot.telemetry import otel  # with its libraries, which nobody needs who wants no traces

    return otel.start(settings, settings.process_id)


def _start_writing(closing: AsyncExitStack, core: Core, lookout: Lookout) -> None:
    core.writer.start()
    closing.push_async_callback(core.writer.close)
    lookout.start(core)
    closing.push_async_callback(lookout.close)


def _start_jobs(closing: AsyncExitStack, core: Core) -> Worker:
    worker = Worker(core, concurrency=core.settings.jobs_concurrency)
    if core.settings.jobs_concurrency:
        worker.start()
        closing.push_async_callback(worker.close)
    return worker


def _start_connections(closing: AsyncExitStack, settings: Settings) -> Connections:
    connections = Connections(
        Limits(
            frame_bytes=settings.socket_frame_bytes,
            queue_bytes=settings.socket_queue_bytes,
            received_bytes=Pace(settings.socket_bytes_per_s, settings.socket_bytes_burst),
            idle_s=settings.api_websocket_timeout,
        )
    )
    connections.start()
    closing.push_async_callback(connections.stop)
    return connections


async def _start_grpc(
    closing: AsyncExitStack,
    core: Core,
    engine: Engine,
    authenticate: Authenticate,
    ready: Ready,
    listening: socket.socket,
) -> "Remote | None":
    if core.settings.grpc_port is None:
        return None
    from folkmoot.rpc.server import Remote  # whoever does not use it pays nothing for it

    remote = Remote(core, engine, authenticate, ready, is_shared=is_shared(listening))
    closing.push_async_callback(remote.close)
    await remote.start()
    return remote


async def _drain(serving: Serving, remote: "Remote | None", within_s: float) -> None:
    await serving.drain(within_s, *([remote.drain(within_s)] if remote else []))
