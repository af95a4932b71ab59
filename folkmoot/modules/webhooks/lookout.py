"""Sees what is written to rooms that have webhooks. Rooms without any cost one look into a dictionary."""

import asyncio
from collections.abc import Sequence

import structlog

from folkmoot.core import Core
from folkmoot.errors import Unavailable
from folkmoot.events.event import Event
from folkmoot.modules.webhooks import store
from folkmoot.modules.webhooks.waking import TOPIC, wake
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

PAUSE_S = 0.05  # between rounds: what a busy room says meanwhile is one round
AGAIN_S = 2.0  # after the database was away


class Lookout:
    """A node's lookout. What it misses, because it or the bus was away, the sweep finds within a minute."""

    def __init__(self) -> None:
        self._hooks_of: dict[int, list[int]] = {}
        self._due: set[int] = set()
        self._stale = True
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def notice(self, events: Sequence[Event]) -> None:
        """Remembers to tell the webhooks of these rooms. Never waits, never fails."""
        if not self._hooks_of:
            return
        for event in events:
            if event.room_id in self._hooks_of:
                self._due.update(self._hooks_of[event.room_id])
                self._something.set()

    def start(self, core: Core) -> None:
        """Begins to watch. Call before the bus is started."""
        core.bus.receive(TOPIC, lambda _: self._forget())
        core.bus.on_change(self._forget)
        self._something.set()
        self._task = asyncio.create_task(self._run(core), name="webhooks-lookout")

    async def close(self) -> None:
        if self._task is not None:
            await end([self._task])

    def _forget(self) -> None:
        self._stale = True
        self._something.set()

    async def _run(self, core: Core) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self._round(core)
            except Unavailable:
                self._something.set()
                await asyncio.sleep(AGAIN_S)
            except Exception:  # what this round forgot, the sweep finds within a minute
                log.exception("webhooks.lookout_failed")
            await asyncio.sleep(PAUSE_S)

    async def _round(self, core: Core) -> None:
        if self._stale:
            await self._look_up(core)
        due, self._due = self._due, set()
        if not due:
            return
        try:
            async with core.database.connection() as connection:
                behind = await store.behind(connection, list(due), limit=len(due))
            await wake(core, behind)
        except Unavailable:
            self._due |= due
            raise

    async def _look_up(self, core: Core) -> None:
        """Learns which rooms have webhooks. Something may have been said to new ones before we knew of them."""
        self._stale = False
        try:
            async with core.database.connection() as connection:
                pairs = await store.active(connection)
        except Unavailable:
            self._stale = True
            raise
        known = {hook_id for hooks in self._hooks_of.values() for hook_id in hooks}
        self._hooks_of = {}
        for room_id, hook_id in pairs:
            self._hooks_of.setdefault(room_id, []).append(hook_id)
        self._due |= {hook_id for _, hook_id in pairs} - known
