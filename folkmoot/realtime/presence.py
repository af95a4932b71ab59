"""Who is in a channel now, on all nodes. Presence is never an event.

Each node keeps in Redis a hash for each channel that somebody listens to here, and changes it at most twice a second by
who came and went meanwhile: that costs as much as there are changes, however many others are there. That the node lives
is said once for all of them, by a key that runs out. Redis that is away makes presence unknown, not empty.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping

import structlog

from folkmoot.bus import PREFIX, Bus
from folkmoot.errors import Unavailable
from folkmoot.realtime.fanout import Outlet
from folkmoot.realtime.roll import Roll, key_of, nodes_key
from folkmoot.realtime.watching import Diff, Watching, diff_of, watched_key
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

LEASE_S = 60
RENEW_S = 20.0
FRESHEN_S = 600.0  # so often Redis is asked whether it still has everything
GATHER_S = 0.5  # who comes and goes in that time is told at once
CHANNELS, CHANGES = 200, 2_000  # told with one round trip


class Presence:
    def __init__(self, node: str, bus: Bus) -> None:
        self._node = node
        self._bus = bus
        self._rolls: dict[str, Roll] = {}
        self._dirty: dict[str, None] = {}
        self._lost: dict[str, None] = {}  # what Redis may not have; it is told again when it answers
        self._something_changed = asyncio.Event()
        self._watching = Watching(bus)
        self._is_alive = False  # Redis has been told that we live: before, others would not believe the rest
        self._freshened_at = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def here(self) -> tuple[int, int, int]:
        """Channels that somebody on this node is in, clients in them, and channels of which Redis may not know."""
        rolls = list(self._rolls.values())
        return len(rolls), sum(len(roll.clients) for roll in rolls), len(self._lost)

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._renew_for_ever(), name="presence-renew"),
            asyncio.create_task(self._write_for_ever(), name="presence-write"),
        ]

    async def close(self) -> None:
        """Takes everybody of this node out."""
        await end(self._tasks)
        if not self._is_alive or await self._bus.ask(self._bus.redis.unlink(_alive_key(self._node))) is None:
            return
        for channels in _some(list(self._rolls), CHANNELS):
            pipeline = self._bus.redis.pipeline(transaction=False)
            for channel in channels:
                pipeline.unlink(key_of(self._node, channel))
                pipeline.srem(nodes_key(channel), self._node)
            if await self._bus.ask(pipeline.execute(raise_on_error=False)) is None:
                return  # it runs out by itself

    def enter(self, channel: str, client: str, user: int) -> None:
        roll = self._rolls.get(channel)
        if roll is None:
            roll = self._rolls[channel] = Roll()
        roll.enter(client, user)
        self._note(channel)

    def exit(self, channel: str, client: str) -> None:
        self._watching.leave(channel, client)
        roll = self._rolls.get(channel)
        if roll is not None and client in roll.clients:
            roll.exit(client)
            self._note(channel)

    def watch(self, channel: str, client: str, outlet: Outlet) -> None:
        """Tells the client from now on who comes and goes, until it exits."""
        self._watching.enter(channel, client, outlet)
        self._something_changed.set()

    async def of(self, channel: str) -> Mapping[str, str]:
        """The users in the channel by client, on all nodes. Raises Unavailable when Redis cannot say."""
        names = await self._bus.ask(self._bus.redis.smembers(nodes_key(channel)))
        if not isinstance(names, set):
            raise Unavailable("Who is here cannot be said right now.")
        others = sorted(name.decode(errors="replace") for name in names - {self._node.encode()})
        found = {client: str(user) for client, user in self._here(channel).items()}
        for client, user in await self._elsewhere(channel, others):
            found.setdefault(client, user)
        return found

    def _here(self, channel: str) -> Mapping[str, int]:
        roll = self._rolls.get(channel)
        return roll.clients if roll else {}

    async def _elsewhere(self, channel: str, nodes: list[str]) -> list[tuple[str, str]]:
        if not nodes:
            return []
        pipeline = self._bus.redis.pipeline(transaction=False)
        for node in nodes:
            pipeline.exists(_alive_key(node))
            pipeline.hgetall(key_of(node, channel))
        answers = await self._bus.ask(pipeline.execute(raise_on_error=False))
        if not isinstance(answers, list):
            raise Unavailable("Who is here cannot be said right now.")
        found: list[tuple[str, str]] = []
        for node, is_alive, clients in zip(nodes, answers[::2], answers[1::2], strict=True):
            if is_alive == 1 and isinstance(clients, dict):
                found += [(client.decode(), user.decode()) for client, user in clients.items() if user.isdigit()]
            elif not clients:  # dead for so long that what it said has run out
                await self._bus.ask(self._bus.redis.srem(nodes_key(channel), node))
        return found

    # -- telling

    def _note(self, channel: str) -> None:
        self._dirty[channel] = None
        self._something_changed.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._something_changed.wait()
            await asyncio.sleep(GATHER_S)
            self._something_changed.clear()
            try:
                if self._is_alive:
                    await self._write()
            except Exception:  # a node that tells nothing any more would not know it
                log.exception("presence.write_failed")

    async def _write(self) -> None:
        await self._watching.announce(LEASE_S)
        dirty, self._dirty = self._dirty, {}
        for channels in self._portions(dirty):
            if not await self._write_some(channels):
                self._doubt(channels)

    async def _write_some(self, channels: list[str]) -> bool:
        """Says in Redis what has changed, and to who watches. False when Redis may not have heard it."""
        pipeline = self._bus.redis.pipeline(transaction=False)
        small: dict[str, Diff] = {}
        for channel in channels:
            roll = self._rolls[channel]
            if diff := diff_of(roll):
                small[channel] = diff
            roll.write(pipeline, self._node, channel)
            if not roll.clients:
                del self._rolls[channel]
        pipeline.mget([watched_key(channel) for channel in small] or [_alive_key(self._node)])
        answers = await self._bus.ask(pipeline.execute(raise_on_error=False))
        if not isinstance(answers, list) or any(isinstance(answer, Exception) for answer in answers):
            return False
        for (channel, diff), is_watched in zip(small.items(), answers[-1], strict=False):
            if is_watched:
                self._watching.tell(channel, diff)
        return True

    def _portions(self, channels: Iterable[str]) -> Iterator[list[str]]:
        """The channels in portions of a round trip each. One that was forgotten since is known to be empty."""
        portion: list[str] = []
        changes = 0
        for channel in channels:
            if channel in self._rolls:
                portion.append(channel)
                changes += self._rolls[channel].changes
            if portion and (changes >= CHANGES or len(portion) == CHANNELS):
                yield portion
                portion, changes = [], 0
        if portion:
            yield portion

    # -- living

    async def _renew_for_ever(self) -> None:
        while True:
            await self._renew()
            await asyncio.sleep(RENEW_S if self._is_alive else GATHER_S)

    async def _renew(self) -> None:
        """Says that this node lives. A Redis that did not know it any more has lost the rest too."""
        pipeline = self._bus.redis.pipeline(transaction=False)
        pipeline.set(_alive_key(self._node), 1, ex=LEASE_S, get=True)
        answers = await self._bus.ask(pipeline.execute(raise_on_error=False))
        if not isinstance(answers, list):
            return
        if answers[0] is None and self._is_alive:
            self._doubt(self._rolls)
        self._is_alive = True
        self._watching.announce_again()
        if time.monotonic() - self._freshened_at >= FRESHEN_S:
            self._freshened_at = time.monotonic()
            await self._freshen()
        lost, self._lost = self._lost, {}
        self._dirty |= lost
        self._something_changed.set()

    async def _freshen(self) -> None:
        for channels in _some([channel for channel, roll in self._rolls.items() if roll.is_known], CHANNELS):
            pipeline = self._bus.redis.pipeline(transaction=False)
            for channel in channels:
                self._rolls[channel].freshen(pipeline, self._node, channel)
            answers = await self._bus.ask(pipeline.execute(raise_on_error=False))
            if isinstance(answers, list):
                both = zip(channels, answers[::2], answers[1::2], strict=True)
                self._doubt(channel for channel, key, nodes in both if not (key == nodes == 1))

    def _doubt(self, channels: Iterable[str]) -> None:
        for channel in channels:
            self._rolls.setdefault(channel, Roll()).is_known = False
            self._lost[channel] = None


def _some(channels: list[str], most: int) -> Iterator[list[str]]:
    for first in range(0, len(channels), most):
        yield channels[first : first + most]


def _alive_key(node: str) -> str:
    return f"{PREFIX}node:{node}"
