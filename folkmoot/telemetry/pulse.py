"""Whether the loop turns, and how late: the one thing that everything in a node has to wait for.

The bus is looked at with it: a word to ourselves goes the way of all hints, through Redis and back.
"""

import asyncio
import time

from folkmoot.bus import Bus
from folkmoot.tasks import end
from folkmoot.telemetry.spread import Spread

BEAT_S = 0.25
BUS_EVERY = 8  # beats


class Pulse:
    """One for each node."""

    def __init__(self, node: str, bus: Bus) -> None:
        self.loop_lag = Spread()  # seconds by which the loop was late
        self.bus_lag = Spread()  # seconds from our word to our ear
        self._bus = bus
        self._topic = f"pulse:{node}"
        self._turned_at = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        bus.receive(self._topic, self._heard)

    def start(self) -> None:
        self._turned_at = time.monotonic()
        self._task = asyncio.create_task(self._beat_for_ever(), name="pulse")

    async def close(self) -> None:
        if self._task is not None:
            await end([self._task])

    @property
    def silence_s(self) -> float:
        """For how long the loop has not turned, beyond what a beat takes. May be asked from any thread."""
        return max(0.0, time.monotonic() - self._turned_at - BEAT_S)

    async def _beat_for_ever(self) -> None:
        beats = 0
        while True:
            await asyncio.sleep(BEAT_S)
            self.loop_lag.add(self.silence_s)
            self._turned_at = time.monotonic()
            beats += 1
            if beats % BUS_EVERY == 0 and self._bus.is_up:
                self._bus.publish(self._topic, repr(time.monotonic()).encode())

    def _heard(self, payload: bytes) -> None:
        self.bus_lag.add(max(0.0, time.monotonic() - float(payload)))
