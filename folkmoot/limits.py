"""How often somebody may try: counters that all nodes share, and that stay limits when Redis is away."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from folkmoot.bus import PREFIX, Bus
from folkmoot.errors import TooMany

LOCAL_KEYS = 10_000  # counters kept in the process while Redis is away; the oldest are forgotten first

# Counts one try under each of KEYS from `first` on, as far as the first past its limit. ARGV has from `given` on
# for each its limit, and its window in ms. Gives the ms until that one's window ends; 0 when none is past it.
COUNT = """
local function count(first, given)
  for number = first, #KEYS do
    local at = given + 2 * (number - first)
    local tries = redis.call('INCR', KEYS[number])
    if tries == 1 then redis.call('PEXPIRE', KEYS[number], ARGV[at + 1]) end
    if tries > tonumber(ARGV[at]) then return math.max(1, redis.call('PTTL', KEYS[number])) end
  end
  return 0
end
"""
SPEND = f"{COUNT} return count(1, 1)"

# KEYS[1] the failures of an account; ARGV how many are free, the longest wait and the most in a row, how long they are
# remembered (ms); then counters as above. Answers the ms to wait, or counts a try under each and a further failure.
SLOW_DOWN = f"""
{COUNT}
local kept = redis.call('HMGET', KEYS[1], 'failures', 'at')
local failures, at = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait = 0
if failures >= tonumber(ARGV[3]) then wait = tonumber(ARGV[4])
elseif failures >= tonumber(ARGV[1]) then
  wait = math.min(tonumber(ARGV[2]), 1000 * 2 ^ math.min(failures - tonumber(ARGV[1]), 30))
end
wait = math.ceil(at + wait - now)
if wait <= 0 then wait = count(2, 5) end
if wait > 0 then return wait end
redis.call('HSET', KEYS[1], 'failures', failures + 1, 'at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 0
"""
DAY_S = 86_400


class Try(NamedTuple):
    """What a try is counted under, and how many there may be in a window."""

    key: str
    limit: int
    window_s: int


class Pace(NamedTuple):
    """How failures in a row slow down who comes next: `free` cost nothing, then each doubles the wait from a second to
    `longest_s`; after `most` it is a day. A day without a try forgets them all, so nobody is locked out for good.
    """

    free: int
    longest_s: int
    most: int

    def wait_s(self, failures: int) -> float:
        if failures >= self.most:
            return DAY_S
        return min(self.longest_s, 2.0 ** min(failures - self.free, 30)) if failures >= self.free else 0.0


class Limiter:
    """Fixed windows: the first try opens one, and it closes by itself, so nobody is locked out for good."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._spend = bus.redis.register_script(SPEND)
        self._slow_down = bus.redis.register_script(SLOW_DOWN)
        self._local: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self.refused = 0

    async def spend(self, key: str, *, limit: int, window_s: int) -> None:
        """Counts a try under `key`. Raises TooMany, with the seconds to wait, past `limit` in the window."""
        await self.spend_all(Try(key, limit, window_s))

    async def spend_all(self, *tries: Try) -> None:
        """Counts a try under each of these, with one question. What comes after one that is spent is not counted."""
        answer = await self._bus.ask(self._spend(keys=_keys(*(one.key for one in tries)), args=_numbers(tries)))
        self._refuse(answer / 1000 if isinstance(answer, int) else self._count_here(tries))

    async def slow_down(self, key: str, pace: Pace, *tries: Try) -> None:
        """Raises TooMany while a further try must wait, and then nothing is counted. Else a try is counted under each
        of these as above, and one under `key`, which is taken for a failure until it is forgotten: so tries that are
        made at the same time are all counted.
        """
        keys = _keys(key, *(one.key for one in tries))
        args = [pace.free, pace.longest_s * 1000, pace.most, DAY_S * 1000, *_numbers(tries)]
        answer = await self._bus.ask(self._slow_down(keys=keys, args=args))
        self._refuse(answer / 1000 if isinstance(answer, int) else self._slow_here(key, pace, tries))

    def forget(self, key: str) -> None:
        self._local.pop(key, None)
        self._bus.tell("DEL", *_keys(key))

    def _refuse(self, wait_s: float) -> None:
        if wait_s > 0:
            self.refused += 1
            seconds = max(1, round(wait_s + 0.5))
            raise TooMany(f"Too many tries. Wait {_spoken(seconds)} and try again.", retry_after_s=seconds)

    # -- the same while Redis is away: how long to wait, and 0 when there is no need to

    def _slow_here(self, key: str, pace: Pace, tries: Sequence[Try]) -> float:
        """Beside the number is when the last failure was, a day later."""
        now = time.monotonic()
        failures, forgotten_at = self._local.get(key, (0, now))
        if forgotten_at <= now:
            failures = 0
        wait_s = forgotten_at - DAY_S + pace.wait_s(failures) - now if failures else 0.0
        if wait_s <= 0:
            wait_s = self._count_here(tries)
        if wait_s <= 0:
            self._keep_here(key, failures + 1, now + DAY_S)
        return wait_s

    def _count_here(self, tries: Sequence[Try]) -> float:
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
        self._keep_here(key, tries + 1, ends)
        return tries + 1, ends - now

    def _keep_here(self, key: str, count: int, until: float) -> None:
        self._local.pop(key, None)
        self._local[key] = (count, until)
        while len(self._local) > LOCAL_KEYS:
            self._local.popitem(last=False)


def _keys(*names: str) -> list[str]:
    return [f"{PREFIX}limit:{name}" for name in names]


def _numbers(tries: Sequence[Try]) -> list[int]:
    return [number for one in tries for number in (one.limit, one.window_s * 1000)]


def _spoken(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} seconds"
    return f"{round(seconds / 60)} minutes"
