"""Finds the session of a token: in Redis for at most a minute, in PostgreSQL in truth.

Losing Redis signs nobody out. Ending a session leaves a tombstone in Redis for as long as a copy could live there, so
that a look-up which was already on its way cannot bring it back.
"""

import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from folkmoot.actions import Caller, Role
from folkmoot.bus import PREFIX, Bus
from folkmoot.database import Database
from folkmoot.errors import EnrolFirst, NotSignedIn
from folkmoot.modules.sessions import store
from folkmoot.modules.sessions.tokens import can_be_token, hash_token
from folkmoot.settings import Settings
from folkmoot.together import Together

CACHE_S = 60
TICKET_S = 30
TOMBSTONE = b"ended"
LONGEST_TOKEN = 256
OVER = "This token is wrong, has expired or was revoked."  # which of them is not for whoever tries to know
TICKET_OVER = "This ticket is wrong, was used or has expired."


class Keeper:
    def __init__(self, database: Database, bus: Bus, settings: Settings) -> None:
        self._database = database
        self._bus = bus
        self._settings = settings
        self._live = Together(self._look_up)

    async def close(self) -> None:
        await self._live.close()

    async def find(self, token: str) -> Caller:
        """Who holds the token. Raises NotSignedIn when it is wrong, or its session has ended; EnrolFirst."""
        return _enrolled(await self.find_enrolling(token))

    async def find_enrolling(self, token: str) -> Caller:
        """The same, also for who must turn on a second factor first: an action says whether they may perform it."""
        if not 0 < len(token) <= LONGEST_TOKEN or not can_be_token(token):
            raise NotSignedIn(OVER)
        return await self._find(hash_token(token))

    async def find_listener(self, token: str) -> Caller:
        """The same for a socket, on which all rooms are heard: a token must be made for reading them."""
        caller = await self.find(token)
        caller.need_scope("messages", "history")
        return caller

    async def find_ticket(self, ticket: str) -> Caller:
        """Who was given this one-time ticket; it is used up by asking. Raises NotSignedIn, or Unavailable."""
        if not 0 < len(ticket) <= LONGEST_TOKEN:
            raise NotSignedIn(TICKET_OVER)
        token_hash = await self._bus.need(self._bus.redis.getdel(_ticket_key(ticket)))
        if not isinstance(token_hash, bytes):
            raise NotSignedIn(TICKET_OVER)
        return _enrolled(await self._find(token_hash))

    async def still_hold(self, session_ids: Sequence[int]) -> set[int]:
        """Those of the sessions that have not ended; being asked about counts as use."""
        async with self._database.connection() as connection:
            return await store.keep_alive(connection, session_ids)

    async def _find(self, token_hash: bytes) -> Caller:
        live = (await self._live.find((token_hash,))).get(token_hash)
        if live is None:
            raise NotSignedIn(OVER)
        return self._caller(live)

    async def _look_up(self, token_hashes: Sequence[bytes]) -> dict[bytes, store.LiveSession]:
        """Those of the sessions that hold: out of Redis, and the others out of PostgreSQL."""
        cached = await self._bus.ask(self._bus.redis.mget([_key(token_hash) for token_hash in token_hashes]))
        known = dict(zip(token_hashes, cached, strict=True)) if isinstance(cached, list) else {}
        found = {
            token_hash: msgspec.json.decode(copy, type=store.LiveSession)
            for token_hash, copy in known.items()
            if isinstance(copy, bytes) and copy != TOMBSTONE
        }
        asked = [token_hash for token_hash in token_hashes if known.get(token_hash) is None]
        if not asked:
            return found
        async with self._database.connection() as connection:
            live = await store.touch(connection, asked)
        await self._keep(live)
        return found | live

    def _caller(self, live: store.LiveSession) -> Caller:
        remaining_s = live.expires_at_s - time.time()
        if remaining_s <= 0:
            raise NotSignedIn(OVER)
        return Caller(
            live.user_id,
            live.name,
            live.role,
            live.id,
            remaining_s,
            None if live.scopes is None else frozenset(live.scopes),
            live.confirmed_at_s,
            must_enrol=not live.has_second_factor and needs_second_factor(self._settings, live.role),
        )

    async def _keep(self, live: Mapping[bytes, store.LiveSession]) -> None:
        pipeline = self._bus.redis.pipeline(transaction=False)
        for token_hash, session in live.items():
            pipeline.set(_key(token_hash), msgspec.json.encode(session), ex=CACHE_S, nx=True)
        await self._bus.ask(pipeline.execute())


async def forget(bus: Bus, token_hashes: Iterable[bytes]) -> None:
    """Leaves tombstones for sessions that were ended in the database."""
    pipeline = bus.redis.pipeline(transaction=False)
    for token_hash in token_hashes:
        pipeline.set(_key(token_hash), TOMBSTONE, ex=CACHE_S)
    await bus.ask(pipeline.execute())


async def forget_everybody(bus: Bus) -> None:
    """Looks everybody up anew. Without Redis there is nothing to forget; what it kept of us is a minute old at most."""
    await bus.ask(_forget_keys(bus))


async def _forget_keys(bus: Bus) -> None:
    async for key in bus.redis.scan_iter(f"{PREFIX}session:*", count=1000):
        await bus.redis.delete(key)


async def keep_ticket(bus: Bus, ticket: str, token_hash: bytes) -> bool:
    """Remembers the ticket for half a minute; False when Redis is away."""
    return bool(await bus.ask(bus.redis.set(_ticket_key(ticket), token_hash, ex=TICKET_S)))


def _key(token_hash: bytes) -> str:
    return f"{PREFIX}session:{token_hash.hex()}"


def _ticket_key(ticket: str) -> str:
    return f"{PREFIX}ticket:{hash_token(ticket).hex()}"


def needs_second_factor(settings: Settings, role: Role) -> bool:
    """Whether the operator requires one of such accounts. Bots have tokens and nothing else."""
    return role != "bot" and (
        settings.second_factor == "all" or (settings.second_factor == "admins" and role == "admin")
    )


def _enrolled(caller: Caller) -> Caller:
    if caller.must_enrol:
        raise EnrolFirst("The operator of this server requires two-step sign-in. Turn it on first.")
    return caller
