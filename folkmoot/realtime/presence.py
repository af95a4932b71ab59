"""Who is in a channel now: leases in Redis, renewed by the node that has the socket. Presence is never an event.

A node that dies says nothing; its leases run out. Redis that is away makes presence unknown, not empty.
"""

import asyncio
import time
from collections.abc import Mapping

import msgspec
import structlog

from folkmoot.bus import PREFIX, Bus
from folkmoot.errors import Unavailable
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

LEASE_S = 60
RENEW_S = 20
CHUNK = 500  # leases renewed with one round trip


class Lease(msgspec.Struct, frozen=True):
    """One client in one channel."""

    user: str
    until_s: float  # Unix time


class Presence:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._here: dict[tuple[str, str], str] = {}  # (channel, client) -> user
        self._changed: dict[tuple[str, str], None] = {}
        self._something_changed = asyncio.Event()
        self._writing = asyncio.Lock()  # of two words about one client the later must be the last
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._renew_for_ever(), name="presence-renew"),
            asyncio.create_task(self._write_for_ever(), name="presence-write"),
        ]

    async def close(self) -> None:
        """Ends all leases of this node."""
        await end(self._tasks)
        self._changed.update(dict.fromkeys(self._here))
        self._here.clear()
        await self._write()

    def enter(self, channel: str, client: str, user: str) -> None:
        self._here[channel, client] = user
        self._note((channel, client))

    def exit(self, channel: str, client: str) -> None:
        if self._here.pop((channel, client), None) is not None:
            self._note((channel, client))

    async def of(self, channel: str) -> Mapping[str, str]:
        """The users in the channel by client, on all nodes. Raises Unavailable when Redis cannot say."""
        await self._write()
        fields = await self._bus.ask(self._bus.redis.hgetall(_key(channel)))
        if not isinstance(fields, dict):
            raise Unavailable("Who is here cannot be said right now.")
        now_s = time.time()
        leases = {client: _read(lease) for client, lease in fields.items()}
        stale = [client for client, lease in leases.items() if lease is None or lease.until_s < now_s]
        if stale:
            await self._bus.ask(self._bus.redis.hdel(_key(channel), *stale))
        return {
            client.decode(): lease.user for client, lease in leases.items() if lease is not None and client not in stale
        }

    def _note(self, changed: tuple[str, str]) -> None:
        self._changed[changed] = None
        self._something_changed.set()

    async def _write_for_ever(self) -> None:
        while True:
            await self._something_changed.wait()
            self._something_changed.clear()
            await self._write()

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            self._changed.update(dict.fromkeys(self._here))
            self._something_changed.set()

    async def _write(self) -> None:
        """Says in Redis what has changed here; what Redis does not take is said again with the next renewal."""
        async with self._writing:
            await self._write_changed()

    async def _write_changed(self) -> None:
        while self._changed:
            chunk = [self._changed.popitem()[0] for _ in range(min(len(self._changed), CHUNK))]
            until_s = time.time() + LEASE_S
            pipeline = self._bus.redis.pipeline(transaction=False)
            for channel, client in chunk:
                user = self._here.get((channel, client))
                if user is None:
                    pipeline.hdel(_key(channel), client)
                else:
                    pipeline.hset(_key(channel), client, msgspec.json.encode(Lease(user, until_s)))
                    pipeline.expire(_key(channel), LEASE_S)
            await self._bus.ask(pipeline.execute())


def _read(lease: bytes) -> Lease | None:
    """None: not one of ours."""
    try:
        return msgspec.json.decode(lease, type=Lease)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _key(channel: str) -> str:
    return f"{PREFIX}presence:{channel}"
