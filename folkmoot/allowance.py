"""How much one user may ask over HTTP: a bucket that all nodes share, without a question to Redis for each request.

A node borrows a few requests at a time and counts them down by itself, so most requests ask nobody. What it borrowed
and did not use is lost after a while: with many nodes somebody has a little less than the whole bucket, never more.
While Redis is away each node has a bucket of its own, of the same size.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass

from folkmoot.bus import PREFIX, Bus
from folkmoot.errors import TooMany

LEASE = 10  # requests that are borrowed at once
LEASE_S = 5.0  # for which they can be used
REMEMBERED = 10_000  # users whose loans and buckets are kept in the process; the oldest are forgotten first

# KEYS[1] the bucket; ARGV its rate per second, its size, how many are wanted, and how many of these are needed. Answers
# how many there are, and if there are less than are needed none, and the ms until there are enough.
BORROW = """
local rate, size, wanted, needed = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = tonumber(kept[1]) or size
left = math.min(size, left + math.max(0, now - (tonumber(kept[2]) or now)) * rate)
local given = math.min(wanted, math.floor(left))
if given < needed then given = 0 end
redis.call('HSET', KEYS[1], 'left', tostring(left - given), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(size / rate * 1000) + 1000)
if given > 0 then return {given, 0} end
return {0, math.ceil((needed - left) / rate * 1000)}
"""


@dataclass(slots=True)
class _Account:
    lent: int = 0  # requests that may be made without asking
    until: float = 0.0
    left: float = 0.0  # the bucket of this node alone
    at: float = 0.0


class Allowance:
    def __init__(self, bus: Bus, *, per_s: int, burst: int) -> None:
        self._bus = bus
        self._borrow = bus.redis.register_script(BORROW)
        self._per_s, self._burst = per_s, burst
        self._lease = max(1, min(LEASE, burst // 4))
        self._accounts: OrderedDict[int, _Account] = OrderedDict()
        self.refused = 0

    async def spend(self, user_id: int, cost: int = 1) -> None:
        """Counts a request of the user, as `cost` of them. Raises TooMany, with the seconds to wait."""
        account = self._account(user_id)
        now = time.monotonic()
        cost = min(cost, self._burst)  # or it could never be made
        if now >= account.until:
            account.lent = 0
        own = min(account.lent, cost)
        account.lent -= own  # now, because another request of theirs may come while we ask
        if own < cost:
            lent, wait_s = await self._ask(user_id, account, now, cost - own)
            account.lent += own + lent - cost if lent else own
            if lent == 0:
                self.refused += 1
                raise TooMany("That was too much at once. Wait a moment.", retry_after_s=max(1, round(wait_s + 0.5)))
            account.until = now + LEASE_S

    async def _ask(self, user_id: int, account: _Account, now: float, needed: int) -> tuple[int, float]:
        """How many more there may be, and if there may not be as many as are needed none, and how long to wait."""
        answer = None
        if self._bus.is_up:  # one that is away would be waited for each time
            key, wanted = f"{PREFIX}allowance:{user_id}", max(self._lease, needed)
            answer = await self._bus.ask(self._borrow(keys=[key], args=[self._per_s, self._burst, wanted, needed]))
        if isinstance(answer, list):
            lent, wait_ms = answer
            return lent, wait_ms / 1000
        left = self._burst if account.at == 0.0 else account.left + (now - account.at) * self._per_s
        account.left, account.at = min(self._burst, left), now
        if account.left < needed:
            return 0, (needed - account.left) / self._per_s
        account.left -= needed
        return needed, 0.0

    def _account(self, user_id: int) -> _Account:
        account = self._accounts.pop(user_id, None) or _Account()
        self._accounts[user_id] = account
        while len(self._accounts) > REMEMBERED:
            self._accounts.popitem(last=False)
        return account
