"""How often somebody may try: counters that all nodes share, and that stay limits when Redis is away."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from folkmoot.bus import PREFIX, Bus
from folkmoot.errors import TooMany

LOCAL_KEYS = 10_000  # counters kept in the process while Redis is away; the oldest are forgotten first

# KEYS counters; ARGV for each its limit, and its window in ms. Counts one try under each, as far as the first that is
# past its limit, and answers the ms until that one's window ends; 0 when none is.
COUNT = """
for number, key in ipairs(KEYS) do
  local tries = redis.call('INCR', key)
  if tries == 1 then redis.call('PEXPIRE', key, ARGV[2 * number]) end
  if tries > tonumber(ARGV[2 * number - 1]) then return math.max(1, redis.call('PTTL', key)) end
end
return 0
"""


class Try(NamedTuple):
    """What a try is counted under, and how many there may be in a window."""

    key: str
    limit: int
    window_s: int


class Limiter:
    """Fixed windows: the first try opens one, and it closes by itself, so nobody is locked out for good."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._count = bus.redis.register_script(COUNT)
        self._local: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self.refused = 0

    async def spend(self, key: str, *, limit: int, window_s: int) -> None:
        """Counts a try under `key`. Raises TooMany, with the seconds to wait, past `limit` in the window."""
        await self.spend_all(Try(key, limit, window_s))

    async def spend_all(self, *tries: Try) -> None:
        """Counts a try under each of these, with one question. What comes after one that is spent is not counted."""
        wait_s = await self._count_all(tries)
        if wait_s > 0:
            self.refused += 1
            seconds = max(1, round(wait_s + 0.5))
            raise TooMany(f"Too many tries. Wait {_spoken(seconds)} and try again.", retry_after_s=seconds)

    def forget(self, key: str) -> None:
        self._local.pop(key, None)
        self._bus.tell("DEL", f"{PREFIX}limit:{key}")

    async def _count_all(self, tries: Sequence[Try]) -> float:
        """How long to wait; 0 when nothing is spent."""
        keys = [f"{PREFIX}limit:{one.key}" for one in tries]
        numbers = [number for one in tries for number in (one.limit, one.window_s * 1000)]
        answer = await self._bus.ask(self._count(keys=keys, args=numbers))
        if isinstance(answer, int):
            return answer / 1000
        for one in tries:
            count, wait_s = self._tries_here(one.key, one.window_s)
            if count > one.limit:
                return wait_s
        return 0.0

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
