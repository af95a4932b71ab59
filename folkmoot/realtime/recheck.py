"""Asks again, in case the bus lost a word: do sessions of sockets still hold, does everybody hear what is theirs?"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from folkmoot.bus import Bus
from folkmoot.errors import Error
from folkmoot.realtime.channels import Namespaces
from folkmoot.realtime.hub import Hub
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

SESSIONS_S = 8.0  # with the time it takes, an ended session has no socket after ten seconds
LISTENERS_S = 45.0
CHUNK = 1_000  # listeners, or users, asked about in one query

StillHold = Callable[[Sequence[int]], Awaitable[set[int]]]
"""Those of the sessions that still hold."""


ChannelsOfUsers = Callable[[Sequence[int]], Awaitable[Mapping[int, Sequence[str]]]]
"""The channels that the server subscribes for each of these users."""


class Recheck:
    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        namespaces: Namespaces,
        still_hold: StillHold,
        channels_of_users: ChannelsOfUsers,
    ) -> None:
        self._hub = hub
        self._namespaces = namespaces
        self._still_hold = still_hold
        self._channels_of_users = channels_of_users
        self._task: asyncio.Task[None] | None = None
        self._listeners_at = float("-inf")
        self._look_now = asyncio.Event()
        bus.on_change(self._bus_changed)

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="recheck")

    async def close(self) -> None:
        if self._task is not None:
            await end([self._task])

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SESSIONS_S):
                    await self._look_now.wait()
            self._look_now.clear()
            try:
                await self._sessions()
                if time.monotonic() - self._listeners_at >= LISTENERS_S:
                    await self._listeners()
                    await self._left_out()
                    self._listeners_at = time.monotonic()
            except Error as error:  # nobody is sent away because we could not ask
                log.warning("recheck.failed", error=error.detail)
            except Exception:  # a node that rechecks nobody any more would not know it
                log.exception("recheck.failed")

    def _bus_changed(self) -> None:
        """Words may have been lost since: nothing waits for its turn."""
        self._listeners_at = float("-inf")
        self._look_now.set()

    async def _sessions(self) -> None:
        sessions = self._hub.sessions()
        if sessions:
            self._hub.end_sessions(set(sessions) - await self._still_hold(sessions))

    async def _listeners(self) -> None:
        """Takes out listeners whose membership has ended."""
        for namespace, names in self._namespaces.grouped(list(self._hub.channels)):
            listening = list({(listener.user_id, name) for name in names for listener in self._hub.listeners(name)})
            for start in range(0, len(listening), CHUNK):
                asked = listening[start : start + CHUNK]
                for user_id, channel in set(asked) - await namespace.still_admitted(asked):
                    self._hub.leave(user_id, channel)

    async def _left_out(self) -> None:
        """Lets users hear what they have come into without our hearing of it."""
        users = self._hub.users()
        for start in range(0, len(users), CHUNK):
            for user_id, channels in (await self._channels_of_users(users[start : start + CHUNK])).items():
                for channel in channels:
                    self._hub.join(user_id, channel)
