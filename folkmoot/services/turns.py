"""Who may ask a service now, who waits, and who comes in vain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from folkmoot.errors import Busy


class Turns:
    """At most `at_once` at the same time, at most `queue` who wait: nobody else."""

    def __init__(self, *, at_once: int, queue: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._queue = queue
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, service: str, deadline: float) -> AsyncIterator[None]:
        """One turn. Raises Busy: at once when too many wait, else when the loop's clock is at the deadline."""
        if self._free.locked() and self._waiting >= self._queue:
            raise Busy(f"Too many requests wait for the service {service}.")
        self._waiting += 1
        try:
            async with asyncio.timeout_at(deadline):
                await self._free.acquire()
        except TimeoutError:
            raise Busy(f"The service {service} had no time for this request.") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
