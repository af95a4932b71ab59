"""How the parts of the product are put together: the ground that a process stands on, the core, and the engine."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from folkmoot import __version__
from folkmoot.allowance import Allowance
from folkmoot.audit.log import AuditLog
from folkmoot.bus import Bus
from folkmoot.core import Core
from folkmoot.data.databases import Databases
from folkmoot.database import Database
from folkmoot.events.event import Event
from folkmoot.events.writer import LANES, Writer
from folkmoot.jobs.queue import Jobs
from folkmoot.keys import Keys, read_keys
from folkmoot.limits import Limiter
from folkmoot.loading.modules import Modules, load_modules
from folkmoot.loading.revisions import refuse_behind
from folkmoot.modules.accounts.passwords import Passwords
from folkmoot.modules.commands.schemas import Ran
from folkmoot.modules.messages import channels as room_channels
from folkmoot.modules.messages.channels import RoomChannels
from folkmoot.modules.sessions.keeper import Keeper
from folkmoot.modules.webhooks.lookout import Lookout
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import Namespaces
from folkmoot.realtime.engine import ClientLimits, Engine
from folkmoot.realtime.heartbeat import Heartbeat
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.pace import Pace
from folkmoot.realtime.presence import Presence
from folkmoot.realtime.sockets import Sockets
from folkmoot.rpc.methods import call_method
from folkmoot.services import Services
from folkmoot.settings import Settings
from folkmoot.slash.commands import Commands
from folkmoot.slash.runner import Runner
from folkmoot.slash.services import commands_of_services

OPERATOR = "operator"
OPERATOR_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Ground:
    """What a process stands on: its databases, the bus, what is loaded, and who listens here."""

    settings: Settings
    name: str  # of this node on the bus
    modules: Modules
    database: Database
    written: Database  # the writer's own connections, so that whoever reads a lot keeps nobody from sending
    bus: Bus
    hub: Hub
    namespaces: Namespaces
    broker: Broker
    lookout: Lookout


async def lay_ground(closing: AsyncExitStack, settings: Settings, name: str) -> Ground:
    """The ground of a node, on databases that are as new as the program."""
    modules = load_modules(settings)
    database = await _connect(closing, settings, max(1, settings.database_pool - LANES))
    await refuse_behind(settings, modules, database)
    return _ground(closing, settings, name, modules, database, await _connect(closing, settings, LANES))


async def lay_ground_of_operator(closing: AsyncExitStack, settings: Settings) -> Ground:
    """The ground of a command: a few connections for everything."""
    modules = load_modules(settings)
    database = await _connect(closing, settings, OPERATOR_CONNECTIONS)
    return _ground(closing, settings, OPERATOR, modules, database, database)


async def _connect(closing: AsyncExitStack, settings: Settings, size: int) -> Database:
    database = Database(settings.dsn, size=size, wait_s=settings.database_wait_s)
    await database.open(within_s=settings.database_start_s)
    closing.push_async_callback(database.close)
    return database


def _ground(
    closing: AsyncExitStack, settings: Settings, name: str, modules: Modules, database: Database, written: Database
) -> Ground:
    bus, hub = Bus(settings.redis_dsn), Hub()
    closing.push_async_callback(bus.close)
    namespaces = Namespaces(name_chars=settings.channel_name_chars)
    broker = Broker(name, bus, hub, namespaces)
    return Ground(settings, name, modules, database, written, bus, hub, namespaces, broker, Lookout())


async def build_core(closing: AsyncExitStack, ground: Ground) -> Core:
    """All that actions may use."""
    settings = ground.settings

    def announce(events: Sequence[Event]) -> None:
        room_channels.announce(ground.broker, events)
        ground.lookout.notice(events)

    databases = Databases(settings.named_dsns, size=settings.databases_pool, wait_s=settings.database_wait_s)
    closing.push_async_callback(databases.close)
    passwords = Passwords(workers=settings.hash_workers, queue=settings.hash_queue, wait_s=settings.hash_wait_s)
    closing.callback(passwords.close)
    services = Services.of_file(settings.services)
    closing.push_async_callback(services.close)
    runner: Runner[Ran] = Runner(at_once=settings.commands_at_once)
    closing.push_async_callback(runner.close)
    await databases.open()
    audit = AuditLog(ground.database, addresses=settings.log_addresses, refusals=settings.audit_refusals)
    closing.push_async_callback(audit.close)
    return Core(
        settings=settings,
        registry=ground.modules.registry,
        database=ground.database,
        databases=databases,
        bus=ground.bus,
        limiter=Limiter(ground.bus),
        allowance=Allowance(ground.bus, per_s=settings.actions_per_s, burst=settings.actions_burst),
        writer=Writer(ground.written, announce, queue=settings.writer_queue, batch=settings.writer_batch),
        passwords=passwords,
        keys=Keys(read_keys(settings.keys.get_secret_value())),
        sockets=Sockets(ground.name, ground.bus, ground.hub),
        announce=announce,
        services=services,
        commands=Commands(ground.modules.registry, commands_of_services(services)),
        runner=runner,
        jobs=Jobs(ground.database, ground.modules.jobs),
        audit=audit,
    )


def build_engine(ground: Ground, core: Core, keeper: Keeper, rooms: RoomChannels) -> Engine:
    """The real-time engine, which knows the product only by what it is given here."""
    settings = ground.settings
    return Engine(
        version=f"Folkmoot {__version__}",
        ping_s=settings.socket_ping_s,
        limits=ClientLimits(
            commands_in_flight=settings.socket_commands_in_flight,
            commands=Pace(settings.socket_commands_per_s, settings.socket_commands_per_s),
            messages=Pace(settings.socket_messages_per_s, settings.socket_messages_burst),
            sockets_per_user=settings.sockets_per_user,
            channels=settings.channels_per_socket,
            recovered_bytes=settings.socket_queue_bytes // 2,
            recovered=settings.recover_events,
            page=settings.page_events,
        ),
        hub=ground.hub,
        broker=ground.broker,
        presence=Presence(ground.name, ground.bus),
        heartbeat=Heartbeat(
            ping_s=settings.socket_ping_s,
            pong_s=settings.socket_pong_s,
            connect_s=settings.socket_connect_s,
        ),
        namespaces=ground.namespaces,
        authenticate=keeper.find_listener,
        channels_of=rooms.of,
        call=partial(call_method, core),
    )
