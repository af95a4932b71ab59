"""One delivery after the other, from the log of a room to one receiver."""

import time

import msgspec

from folkmoot.core import Core
from folkmoot.events import store as log
from folkmoot.events.event import Event
from folkmoot.modules.webhooks import store
from folkmoot.modules.webhooks.metrics import DELIVERIES, DURATION
from folkmoot.modules.webhooks.sender import Sender
from folkmoot.modules.webhooks.signing import headers
from folkmoot.modules.webhooks.store import Target

PAGE = 50  # events that are read at once
TURN_S = 20.0  # after which others get their turn


class Delivery:
    """Tells a webhook what it was not told yet. `delivered` counts what the receiver took."""

    def __init__(self, core: Core, target: Target) -> None:
        self._core = core
        self._target = target
        self._place = target.delivered_seq
        self.delivered = 0

    async def run(self) -> bool:
        """Goes on until the receiver knows all, or its turn is over: then the answer is True.

        Raises NotDelivered or Gone.
        """
        settings, ends_at = self._core.settings, time.monotonic() + TURN_S
        sender = Sender(self._target.url, networks=settings.webhook_networks, within_s=settings.webhook_timeout_s)
        async with sender:
            while events := await self._next_page():
                for event in events:
                    if time.monotonic() > ends_at:
                        return True
                    await self._deliver(sender, event)
                    if not await self._advance(event.seq):
                        return False  # somebody else is at it, or it was removed
        return False

    async def _next_page(self) -> list[Event]:
        async with self._core.database.connection() as connection:
            return await log.events_after(connection, self._target.room_id, self._place, PAGE)

    async def _deliver(self, sender: Sender, event: Event) -> None:
        body = body_of(event)
        began = time.monotonic()
        try:
            await sender.post(headers(self._target.keys, self._id_of(event), int(time.time()), body), body)
        finally:
            DURATION.observe(time.monotonic() - began)
        DELIVERIES.labels("delivered").inc()

    async def _advance(self, seq: int) -> bool:
        async with self._core.database.connection() as connection:
            ours = await store.advance(connection, self._target.id, self._place, seq)
        self._place = seq
        self.delivered += ours
        return ours

    def _id_of(self, event: Event) -> str:
        """The same however often it is delivered, and never that of another event."""
        return f"evt_{event.room_id}_{self._target.epoch}_{event.seq}"


def body_of(event: Event) -> bytes:
    """An event as receivers get it."""
    return msgspec.json.encode({"type": f"room.{event.kind}", "timestamp": event.created_at, "data": event})
