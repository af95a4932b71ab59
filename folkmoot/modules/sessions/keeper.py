"""Finds the session of a token: in Redis for at most a minute, in PostgreSQL in truth.

Losing Redis signs nobody out. Ending a session leaves a tombstone in Redis for as long as a copy could live there, so
that a look-up which was already on its way cannot bring it back.
"""

import time
from collections.abc import Iterable, Sequence

import msgspec

from folkmoot.actions import Caller
from folkmoot.bus import PREFIX, Bus
from folkmoot.database import Database
from folkmoot.errors import NotSignedIn
from folkmoot.modules.sessions import store
from folkmoot.modules.sessions.tokens import hash_token

CACHE_S = 60
TICKET_S = 30
TOMBSTONE = b"ended"
LONGEST_TOKEN = 256


class Keeper:
    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def find(self, token: str) -> Caller:
        """Who holds the token. Raises NotSignedIn when it is wrong, or its session has ended."""
        if not 0 < len(token) <= LONGEST_TOKEN:
            raise NotSignedIn
        return await self._find(hash_token(token))

    async def find_ticket(self, ticket: str) -> Caller:
        """Who was given this one-time ticket; it is used up by asking. Raises NotSignedIn, or Unavailable."""
        if not 0 < len(ticket) <= LONGEST_TOKEN:
            raise NotSignedIn
        token_hash = await self._bus.need(self._bus.redis.getdel(_ticket_key(ticket)))
        if not isinstance(token_hash, bytes):
            raise NotSignedIn
        return await self._find(token_hash)

    async def still_hold(self, session_ids: Sequence[int]) -> set[int]:
        """Those of the sessions that have not ended; being asked about counts as use."""
        async with self._database.connection() as connection:
            return await store.keep_alive(connection, session_ids)

    async def _find(self, token_hash: bytes) -> Caller:
        cached = await self._bus.ask(self._bus.redis.get(_key(token_hash)))
        if isinstance(cached, bytes):
            return _caller(_decode(cached))
        async with self._database.connection() as connection:
            live = await store.touch(connection, token_hash)
        if live is None:
            raise NotSignedIn
        await self._bus.ask(self._bus.redis.set(_key(token_hash), msgspec.json.encode(live), ex=CACHE_S, nx=True))
        return _caller(live)


async def forget(bus: Bus, token_hashes: Iterable[bytes]) -> None:
    """Leaves tombstones for sessions that were ended in the database."""
    pipeline = bus.redis.pipeline(transaction=False)
    for token_hash in token_hashes:
        pipeline.set(_key(token_hash), TOMBSTONE, ex=CACHE_S)
    await bus.ask(pipeline.execute())


async def keep_ticket(bus: Bus, ticket: str, token_hash: bytes) -> bool:
    """Remembers the ticket for half a minute; False when Redis is away."""
    return bool(await bus.ask(bus.redis.set(_ticket_key(ticket), token_hash, ex=TICKET_S)))


def _key(token_hash: bytes) -> str:
    return f"{PREFIX}session:{token_hash.hex()}"


def _ticket_key(ticket: str) -> str:
    return f"{PREFIX}ticket:{hash_token(ticket).hex()}"


def _decode(cached: bytes) -> store.LiveSession:
    if cached == TOMBSTONE:
        raise NotSignedIn
    return msgspec.json.decode(cached, type=store.LiveSession)


def _caller(live: store.LiveSession) -> Caller:
    remaining_s = live.expires_at_s - time.time()
    if remaining_s <= 0:
        raise NotSignedIn
    return Caller(live.user_id, live.name, live.role, live.id, remaining_s)
