"""Password hashes: Argon2id off the event loop, with a bounded queue, and the old PBKDF2 format to sign in with once.

Hashing is the most expensive thing a stranger can ask for. So few run at a time, few wait, nobody for long, and the
rest are told to come back.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from folkmoot.errors import Busy
from folkmoot.telemetry.spread import Spread

T = TypeVar("T")

# OWASP's parameters for Argon2id: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
# Of "nobody has this password": what is checked where there is no account, so that it takes as long.
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$W7eO6h/wz27HI+NvqlqvGQ$mbWSzyChVr1fVb98ijpxKpDyepilqeGtWtMHlSXj9kw"
PBKDF2_PREFIX = "$pbkdf2-sha256$"
NICENESS = 5  # enough to go last, and not so much that nobody could sign in while all talk
MOST_PBKDF2_ROUNDS = 1_000_000  # a hash that asks for more is damaged, or an attack


class Passwords:
    def __init__(self, *, workers: int, queue: int, wait_s: float) -> None:
        # More than there are cores would only push each other's 19 MiB out of the cache.
        threads = min(workers, _cores())
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="password", initializer=_give_way)
        self._most = workers + queue
        self._wait_s = wait_s
        self._running = 0
        self.refused = 0
        self.took_s = Spread()  # with the wait for one's turn

    @property
    def running(self) -> int:
        """Checks that run, or wait for their turn."""
        return self._running

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> str:
        return await self._off_the_loop(lambda: HASHER.hash(_bytes(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits. Without a stored hash it takes the same time, and never fits."""
        return await self._off_the_loop(lambda: _fits(stored or NOBODYS, password) and stored is not None)

    @staticmethod
    def is_outdated(stored: str) -> bool:
        return not stored.startswith("$argon2id$") or HASHER.check_needs_rehash(stored)

    async def _off_the_loop(self, work: Callable[[], T]) -> T:
        if self._running >= self._most:
            raise self._refusal()
        self._running += 1
        asked = self._pool.submit(work)
        hashing = asyncio.wrap_future(asked)
        hashing.add_done_callback(partial(self._one_less, time.monotonic()))
        # A caller who goes away stops no thread, so their place stays taken until it is done.
        await asyncio.wait([hashing], timeout=self._wait_s)
        if not hashing.done() and asked.cancel():  # it has not begun, and now it never will
            raise self._refusal()
        return await asyncio.shield(hashing)

    def _one_less(self, began_at: float, hashing: asyncio.Future[T]) -> None:
        self._running -= 1
        if not hashing.cancelled():
            self.took_s.add(time.monotonic() - began_at)
            hashing.exception()

    def _refusal(self) -> Busy:
        self.refused += 1
        return Busy("Too many people are signing in at once. Try again in a moment.", retry_after_s=2)


def _cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _give_way() -> None:
    """When all cores are busy, the conversation goes before sign-ins. Only on Linux is a thread nice by itself."""
    if sys.platform == "linux":
        os.nice(NICENESS)


def _fits(stored: str, password: str) -> bool:
    if stored.startswith(PBKDF2_PREFIX):
        return _fits_pbkdf2(stored, password)
    try:
        return HASHER.verify(stored, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def _fits_pbkdf2(stored: str, password: str) -> bool:
    """The format `$pbkdf2-sha256$ROUNDS$SALT$CHECKSUM` with base64 that writes `.` for `+` and no padding."""
    try:
        rounds, salt, checksum = stored.removeprefix(PBKDF2_PREFIX).split("$")
        if not 1 <= int(rounds) <= MOST_PBKDF2_ROUNDS:
            return False
        expected = _unpadded(checksum)
        found = hashlib.pbkdf2_hmac("sha256", _bytes(password), _unpadded(salt), int(rounds), len(expected))
    except (ValueError, binascii.Error, OverflowError):
        return False
    return hmac.compare_digest(found, expected)


def _unpadded(text: str) -> bytes:
    return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4), validate=True)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
