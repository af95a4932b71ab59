"""The engine of one node: its parts, and what the product gives it. One object that every client holds."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from folkmoot.actions import Caller
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import Namespaces
from folkmoot.realtime.heartbeat import Heartbeat
from folkmoot.realtime.hub import Hub
from folkmoot.realtime.line import Line
from folkmoot.realtime.pace import Pace
from folkmoot.realtime.presence import Presence
from folkmoot.realtime.recent import Recent
from folkmoot.tasks import end
from folkmoot.telemetry.spread import Spread

log = structlog.get_logger(__name__)

Authenticate = Callable[[str], Awaitable[Caller]]
"""Who holds a token. Raises NotSignedIn."""

ChannelsOf = Callable[[Caller], Awaitable[Sequence[str]]]
"""The channels that the server subscribes for somebody."""

CallMethod = Callable[[Caller, str, bytes, str], Awaitable[bytes]]
"""Calls a method with JSON, for a caller at an address; answers JSON. Raises an Error."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    commands_in_flight: int
    commands: Pace
    messages: Pace  # of the commands those that say or do something
    sockets_per_user: int
    channels: int
    recovered_bytes: int  # of missed publications in one reply
    recovered: int  # more missed publications than that are not replayed: the client loads a page
    page: int


class Counted:
    """What clients have asked for since the start."""

    def __init__(self) -> None:
        self.commands: Counter[tuple[str, int]] = Counter()  # by name, and code of the refusal; 0: it was done
        self.command_s: defaultdict[str, Spread] = defaultdict(Spread)  # by name
        self.recoveries: Counter[bool] = Counter()  # by whether all that was missed could be given

    def count(self, command: str, code: int, took_s: float) -> None:
        self.commands[command, code] += 1
        self.command_s[command].add(took_s)


@dataclass(frozen=True, slots=True)
class Engine:
    version: str
    ping_s: float
    limits: ClientLimits
    hub: Hub
    broker: Broker
    presence: Presence
    heartbeat: Heartbeat
    namespaces: Namespaces
    authenticate: Authenticate
    channels_of: ChannelsOf
    call: CallMethod
    line: Line = field(default_factory=Line)
    recent: Recent = field(default_factory=Recent)
    counted: Counted = field(default_factory=Counted)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def spawn(
        self, work: Coroutine[object, object, None], then: Callable[[asyncio.Task[None]], None] | None = None
    ) -> asyncio.Task[None]:
        """Runs work for a client as a task that this engine owns and ends when it closes; `then` is told of its end."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(partial(self._done, then))
        return task

    def start(self) -> None:
        self.broker.start()
        self.presence.start()
        self.heartbeat.start()

    async def close(self) -> None:
        await end(self.tasks)
        await self.heartbeat.close()
        await self.broker.close()
        await self.presence.close()

    def _done(self, then: Callable[[asyncio.Task[None]], None] | None, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if then is not None:
            then(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("client.task_failed", exc_info=error)
