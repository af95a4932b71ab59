"""Who may open a socket: decided at the handshake, before the server agrees to it."""

from contextlib import suppress
from urllib.parse import parse_qs

import structlog

from folkmoot.actions import Caller
from folkmoot.addresses import client_address, place_of
from folkmoot.errors import Error, NotSignedIn, TooMany
from folkmoot.http.identity import cookie_name, of_cookie
from folkmoot.limits import Limiter
from folkmoot.modules.sessions.keeper import Keeper
from folkmoot.realtime.client import Client
from folkmoot.realtime.echo import Echo
from folkmoot.realtime.engine import Engine
from folkmoot.realtime.handshake import Handshake, Refused
from folkmoot.realtime.receiver import Receiver
from folkmoot.settings import Settings

log = structlog.get_logger(__name__)

ECHO_PATHS = frozenset({"/ws", "/api/ws"})
PATHS = ECHO_PATHS | {"/connection/websocket", "/api/connection/websocket"}


def paths_of(settings: Settings) -> frozenset[str]:
    """Where this server takes sockets."""
    return frozenset() if settings.only == "api" else PATHS


class Gate:
    def __init__(self, settings: Settings, keeper: Keeper, engine: Engine, limiter: Limiter) -> None:
        self._settings = settings
        self._limiter = limiter
        self._keeper = keeper
        self._engine = engine

    async def __call__(self, handshake: Handshake) -> Receiver:
        """What will sit on the connection. Raises Refused."""
        try:
            return await self._admit(handshake)
        except Refused as refused:
            address = client_address(handshake.peer, handshake.headers, self._settings.trusted_proxies)
            log.info(
                "socket.refused",
                path=handshake.path,
                address=address,
                status=refused.status,
                error_code=refused.code,
            )
            raise

    async def _admit(self, handshake: Handshake) -> Receiver:
        self._check_origin(handshake)
        try:
            query = parse_qs(handshake.query, keep_blank_values=True, max_num_fields=20)
            if handshake.path in ECHO_PATHS and "token" in query:
                return Echo(self._engine, await self._bearer(query["token"][0]))
            address = client_address(handshake.peer, handshake.headers, self._settings.trusted_proxies)
            caller = await self._browser(handshake)
            await self._count(address, caller)
            if caller is None:
                self._check_strangers(place_of(address))
            return Client(self._engine, address=address, caller=caller)
        except Error as error:
            raise Refused(error.status, error.code, error.detail, error.retry_after_s) from error
        except ValueError:
            raise Refused(400, "malformed", "The query cannot be read.") from None

    def _check_origin(self, handshake: Handshake) -> None:
        """A browser says where its page is from, and only our own pages may use its cookie."""
        origin = handshake.headers.get("origin")
        if origin is not None and origin not in self._settings.allowed_origins:
            raise Refused(
                403,
                "forbidden",
                f"Pages of {origin[:100]} may not connect: the operator can allow it in FOLKMOOT_ORIGINS.",
            )

    async def _count(self, address: str, caller: Caller | None) -> None:
        """Everybody behind one address comes back at once after a restart: who is known is counted by who they are."""
        who = place_of(address) if caller is None else str(caller.user_id)
        await self._limiter.spend(f"handshake:{who}", limit=self._settings.handshakes_per_minute, window_s=60)

    def _check_strangers(self, place: str) -> None:
        if self._engine.heartbeat.strangers_at(place) >= self._settings.sockets_waiting:
            raise TooMany("Too many sockets of this address have not said who they are.", retry_after_s=10)

    async def _browser(self, handshake: Handshake) -> Caller | None:
        """Who the cookie of a browser says; programs send their token with `connect` instead."""
        token = _cookie(handshake.headers.get("cookie", ""), cookie_name(self._settings))
        if token is None or "origin" not in handshake.headers:
            return None
        return await of_cookie(token, self._keeper.find)

    async def _bearer(self, token: str) -> Caller | None:
        """Who holds a ticket, or where the operator allows it an access token; None: it is not valid."""
        if self._settings.echo_takes_access_tokens:
            with suppress(NotSignedIn):
                return await self._keeper.find(token)
        with suppress(NotSignedIn):
            return await self._keeper.find_ticket(token)
        return None


def _cookie(header: str, name: str) -> str | None:
    for pair in header.split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value.strip('"')
    return None
