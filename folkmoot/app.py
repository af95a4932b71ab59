"""The composition root: builds, wires and closes everything. Nothing imports it but the command line and the tests."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from sanic import Sanic
from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP
from sanic.server.async_server import AsyncioServer
from sanic.server.protocols.http_protocol import HttpProtocol

from folkmoot import __version__
from folkmoot.bus import Bus
from folkmoot.core import Core
from folkmoot.data.databases import Databases
from folkmoot.database import Database
from folkmoot.events.event import Event
from folkmoot.events.writer import LANES, Writer
from folkmoot.garbage import spare_the_loop
from folkmoot.gate import PATHS, Gate
from folkmoot.http.application import Application
from folkmoot.http.server import Ready, build_http, renew_addresses
from folkmoot.jobs import worker as jobs
from folkmoot.jobs.queue import Jobs
from folkmoot.limits import Limiter
from folkmoot.listening import BACKLOG, is_shared
from folkmoot.loading.modules import Modules, load_modules
from folkmoot.loading.revisions import refuse_behind
from folkmoot.loading.watching import Watch
from folkmoot.modules.accounts.passwords import Passwords
from folkmoot.modules.commands.schemas import Ran
from folkmoot.modules.messages import channels as room_channels
from folkmoot.modules.messages.channels import RoomChannels
from folkmoot.modules.sessions.keeper import Keeper
from folkmoot.modules.webhooks.lookout import Lookout
from folkmoot.readiness import Readiness
from folkmoot.realtime import codes
from folkmoot.realtime.accepting import Acceptor
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import Namespaces
from folkmoot.realtime.connection import Limits
from folkmoot.realtime.connections import Connections
from folkmoot.realtime.engine import Authenticate, ClientLimits, Engine
from folkmoot.realtime.heartbeat import Heartbeat
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.plain import EchoChannel
from folkmoot.realtime.port import Door, protocols
from folkmoot.realtime.presence import Presence
from folkmoot.realtime.recheck import Recheck
from folkmoot.realtime.sockets import Sockets
from folkmoot.rpc.methods import call_method
from folkmoot.services import Services
from folkmoot.settings import Settings
from folkmoot.slash.commands import Commands
from folkmoot.slash.runner import Runner
from folkmoot.slash.services import commands_of_services
from folkmoot.telemetry.admin import open_admin_port
from folkmoot.telemetry.parts import Parts
from folkmoot.telemetry.pulse import Pulse

if TYPE_CHECKING:
    from folkmoot.rpc.server import Remote
    from folkmoot.telemetry.otel import Otel

IDLE_S = 1.0  # how long a stopping node keeps a connection that asks nothing


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
async def operating(settings: Settings, lookout: Lookout | None = None) -> AsyncIterator[Core]:
    """The product without its doors, for commands that call an action and end. `lookout` hears what they write."""
    async with AsyncExitStack() as closing:
        database = Database(settings.dsn, size=2, wait_s=settings.database_wait_s)
        await database.open(within_s=settings.database_start_s)
        closing.push_async_callback(database.close)
        bus = Bus(settings.redis_dsn)
        closing.push_async_callback(bus.close)
        hub, namespaces = Hub(), Namespaces(name_chars=settings.channel_name_chars)
        broker = Broker("operator", bus, hub, namespaces)
        modules = load_modules(settings)
        core = _core(closing, settings, modules, database, database, bus, "operator", hub, broker, lookout or Lookout())
        await core.databases.open()
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
        modules = load_modules(settings)
        # Whoever reads a lot keeps nobody from sending: the writer has connections of its own.
        reading_size = max(1, settings.database_pool - LANES)
        database = Database(settings.dsn, size=reading_size, wait_s=settings.database_wait_s)
        await database.open(within_s=settings.database_start_s)
        closing.push_async_callback(database.close)
        await refuse_behind(settings, modules, database)
        written = Database(settings.dsn, size=LANES, wait_s=settings.database_wait_s)
        await written.open(within_s=settings.database_start_s)
        closing.push_async_callback(written.close)
        bus = Bus(settings.redis_dsn)
        closing.push_async_callback(bus.close)

        name, hub = uuid4().hex[:12], Hub()
        pulse = Pulse(name, bus)
        namespaces = Namespaces(name_chars=settings.channel_name_chars)
        broker = Broker(name, bus, hub, namespaces)
        lookout = Lookout()
        core = _core(closing, settings, modules, database, written, bus, name, hub, broker, lookout)
        await core.databases.open()
        rooms = room_channels.add_channels(closing, namespaces, core, broker)
        namespaces.add(EchoChannel(broker))
        core.writer.start()
        closing.push_async_callback(core.writer.close)

        worker = _start_jobs(closing, core)
        lookout.start(core)
        closing.push_async_callback(lookout.close)

        keeper = Keeper(database, bus)
        closing.push_async_callback(keeper.close)
        recheck = Recheck(bus, hub, namespaces, keeper.still_hold, partial(room_channels.channels_of_users, core))
        engine = _engine(settings, core, name, hub, broker, namespaces, keeper, rooms)
        await bus.start()
        engine.start()
        closing.push_async_callback(engine.close)
        recheck.start()
        closing.push_async_callback(recheck.close)
        pulse.start()
        closing.push_async_callback(pulse.close)

        connections = Connections(
            Limits(
                frame_bytes=settings.socket_frame_bytes,
                queue_bytes=settings.socket_queue_bytes,
                idle_s=settings.api_websocket_timeout,
            )
        )
        connections.start()
        closing.push_async_callback(connections.stop)
        ready = Readiness(database, connections).parts
        http = build_http(f"folkmoot-{name}", core, modules, keeper.find, ready)
        closing.callback(Sanic.unregister_app, http)
        if settings.api_mode == "dev":
            watch = Watch(settings, modules, partial(renew_addresses, http))
            watch.start()
            closing.push_async_callback(watch.close)
        door = Door(Gate(settings, keeper, engine), PATHS, connections, line=engine.line)
        remote, grpc_port = await _start_grpc(closing, core, engine, keeper.find, ready, listening)
        admin_port = admin.getsockname()[1] if admin else None
        if admin is not None:
            databases = {"reading": database, "writing": written}
            parts = Parts(core, databases, connections, door, engine, http.ctx.requests, pulse)
            await open_admin_port(closing, admin, parts, ready)
        server, acceptor = await _start(http, door, listening)
        closing.push_async_callback(_drain, http, acceptor, door, server, remote, settings.drain_s)
        closing.callback(worker.stop)  # what runs may end while everybody else is sent away
        spare_the_loop()
        yield Node(settings, settings.port, core, engine, connections, grpc_port, admin_port)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Core]:
    """A process that does background jobs and nothing else. Leaving the block lets those that run end."""
    lookout = Lookout()
    async with operating(settings, lookout) as core, AsyncExitStack() as closing:
        core.writer.start()
        closing.push_async_callback(core.writer.close)
        lookout.start(core)
        closing.push_async_callback(lookout.close)
        await core.bus.start()
        closing.callback(_start_jobs(closing, core).stop)
        yield core


def _start_jobs(closing: AsyncExitStack, core: Core) -> jobs.Worker:
    worker = jobs.Worker(core, concurrency=core.settings.jobs_concurrency)
    if core.settings.jobs_concurrency:
        worker.start()
        closing.push_async_callback(worker.close)
    return worker


def _core(
    closing: AsyncExitStack,
    settings: Settings,
    modules: Modules,
    database: Database,
    written: Database,
    bus: Bus,
    name: str,
    hub: Hub,
    broker: Broker,
    lookout: Lookout,
) -> Core:
    def announce(events: Sequence[Event]) -> None:
        room_channels.announce(broker, events)
        lookout.notice(events)

    databases = Databases(settings.named_dsns, size=settings.databases_pool, wait_s=settings.database_wait_s)
    closing.push_async_callback(databases.close)
    passwords = Passwords(workers=settings.hash_workers, queue=settings.hash_queue)
    closing.callback(passwords.close)
    services = Services.of_file(settings.services)
    closing.push_async_callback(services.close)
    runner: Runner[Ran] = Runner(at_once=settings.commands_at_once)
    closing.push_async_callback(runner.close)
    return Core(
        settings=settings,
        registry=modules.registry,
        database=database,
        databases=databases,
        bus=bus,
        limiter=Limiter(bus),
        writer=Writer(written, announce, queue=settings.writer_queue, batch=settings.writer_batch),
        passwords=passwords,
        sockets=Sockets(name, bus, hub),
        announce=announce,
        services=services,
        commands=Commands(modules.registry, commands_of_services(services)),
        runner=runner,
        jobs=Jobs(database, modules.jobs),
    )


def _engine(
    settings: Settings,
    core: Core,
    name: str,
    hub: Hub,
    broker: Broker,
    namespaces: Namespaces,
    keeper: Keeper,
    rooms: RoomChannels,
) -> Engine:
    return Engine(
        version=f"Folkmoot {__version__}",
        ping_s=settings.socket_ping_s,
        limits=ClientLimits(
            commands_in_flight=settings.socket_commands_in_flight,
            commands_per_s=settings.socket_commands_per_s,
            sockets_per_user=settings.sockets_per_user,
            channels=settings.channels_per_socket,
            recovered_bytes=settings.socket_queue_bytes // 2,
            recovered=settings.recover_events,
            page=settings.page_events,
        ),
        hub=hub,
        broker=broker,
        presence=Presence(name, core.bus),
        heartbeat=Heartbeat(
            ping_s=settings.socket_ping_s,
            pong_s=settings.socket_pong_s,
            connect_s=settings.socket_connect_s,
        ),
        namespaces=namespaces,
        authenticate=keeper.find_listener,
        channels_of=rooms.of,
        call=partial(call_method, core),
    )


def start_tracing(settings: Settings) -> "Otel":
    from folkmoot.telemetry import otel  # with its libraries, which nobody needs who wants no traces

    return otel.start(settings, settings.process_id)


async def _start(http: Application, door: Door, listening: socket.socket) -> tuple[AsyncioServer, Acceptor]:
    # Sanic looks here whether it should offer HTTP/3 with every answer.
    http.state.server_info.append(ApplicationServerInfo(settings={"version": HTTP.VERSION_1}))
    server = await http.create_server(
        sock=listening,
        backlog=BACKLOG,
        return_asyncio_server=True,
        asyncio_server_kwargs={"start_serving": False},
    )
    if server is None:
        raise RuntimeError("Sanic gave no server")
    # Sanic rewrites its own classes when an application starts, and cannot do it again for a second node.
    http.config.TOUCHUP = not getattr(HttpProtocol, "__touched__", False)
    await server.startup()  # type: ignore[no-untyped-call]  # Sanic
    # Sanic's server counts connections, but takes none by itself.
    return server, Acceptor(listening.dup(), protocols(door, http, server.connections), lambda: door.is_crowded)


async def _start_grpc(
    closing: AsyncExitStack,
    core: Core,
    engine: Engine,
    authenticate: Authenticate,
    ready: Ready,
    listening: socket.socket,
) -> tuple["Remote | None", int | None]:
    if core.settings.grpc_port is None:
        return None, None
    from folkmoot.rpc.server import Remote  # whoever does not use it pays nothing for it

    remote = Remote(core, engine, authenticate, ready, is_shared=is_shared(listening))
    closing.push_async_callback(remote.close)
    return remote, await remote.start()


async def _drain(
    http: Application,
    acceptor: Acceptor,
    door: Door,
    server: AsyncioServer,
    remote: "Remote | None",
    within_s: float,
) -> None:
    """Lets nobody in any more, answers what was begun, and sends everybody away."""
    door.connections.is_draining = True  # before anything waits: who asks whether we are ready hears it now
    http.config.KEEP_ALIVE = False
    acceptor.close()
    await acceptor.wait_closed()
    server.close()  # type: ignore[no-untyped-call]  # Sanic
    door.clear_the_porch()
    await asyncio.gather(
        door.connections.drain(codes.SHUTDOWN, within_s),
        _end_requests(server, within_s),
        *([remote.drain(within_s)] if remote else []),
    )
    await door.close()
    await server.wait_closed()  # type: ignore[no-untyped-call]  # Sanic


async def _end_requests(server: AsyncioServer, within_s: float) -> None:
    """Every answer from now on is the last one on its connection, and says so.

    Connections without a request are kept for a moment: their owners may be about to use them, and would not know
    whether a request that met the end of its connection was heard.
    """
    now = asyncio.get_running_loop().time
    begun_at = now()
    for connection in server.connections:
        connection.end_after_answer()
    while server.connections and now() - begun_at < within_s:
        if now() - begun_at >= IDLE_S:
            for connection in list(server.connections):
                connection.close_if_idle()
        await asyncio.sleep(0.02)
    for connection in list(server.connections):
        connection.close_if_idle() or connection.abort()
