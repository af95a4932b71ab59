"""How often somebody may try: counters that all nodes share, and that stay limits when Redis is away."""

import time
from collections import OrderedDict

from folkmoot.bus import PREFIX, Bus
from folkmoot.errors import TooMany

LOCAL_KEYS = 10_000  # counters kept in the process while Redis is away; the oldest are forgotten first

# KEYS[1] counter; ARGV[1] window in ms. Counts one try and answers {tries so far, ms until the window ends}.
COUNT = """
local tries = redis.call('INCR', KEYS[1])
if tries == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {tries, redis.call('PTTL', KEYS[1])}
"""


class Limiter:
    """Fixed windows: the first try opens one, and it closes by itself, so nobody is locked out for good."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._count = bus.redis.register_script(COUNT)
        self._local: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def spend(self, key: str, *, limit: int, window_s: int) -> None:
        """Counts a try under `key`. Raises TooMany, with the seconds to wait, past `limit` in the window."""
        tries, wait_s = await self._tries(key, window_s)
        if tries > limit:
            seconds = max(1, round(wait_s + 0.5))
            raise TooMany(f"Too many tries. Wait {_spoken(seconds)} and try again.", retry_after_s=seconds)

    async def forget(self, key: str) -> None:
        self._local.pop(key, None)
        await self._bus.ask(self._bus.redis.delete(f"{PREFIX}limit:{key}"))

    async def _tries(self, key: str, window_s: int) -> tuple[int, float]:
        answer = await self._bus.ask(self._count(keys=[f"{PREFIX}limit:{key}"], args=[window_s * 1000]))
        if isinstance(answer, list):
            return int(answer[0]), int(answer[1]) / 1000
        return self._tries_here(key, window_s)

    def _tries_here(self, key: str, window_s: int) -> tuple[int, float]:
        now = time.monotonic()
        tries, ends = self._local.pop(key, (0, now + window_s))
        if ends <= now:
            tries, ends = 0, now + window_s
        self._local[key] = (tries + 1, ends)
        while len(self._local) > LOCAL_KEYS:
            self._local.popitem(last=False)
        return tries + 1, ends - now


def _spoken(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{round(seconds / 60)} minutes"
