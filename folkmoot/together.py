"""Asking for many at once: what is asked while earlier questions are on their way goes with the next one.

Whoever asks alone waits for nobody. When thousands ask, the questions grow and not their number, so a storm of clients
costs a few round trips instead of some for each. An answer is never older than its question: what is asked joins only
a round that has not set out yet.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from folkmoot.errors import Unavailable
from folkmoot.tasks import end

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ROUNDS = 2  # on their way at once; a slow one does not hold up everybody else
MOST = 500  # keys in one round

Asked = tuple[Collection[K], asyncio.Future[Mapping[K, V]]]


class Together(Generic[K, V]):
    """Gathers keys, and asks for all of them with `ask`. Keys without an answer are not in what it gives."""

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int = MOST) -> None:
        self._ask = ask
        self._most = most
        self._asked: deque[Asked[K, V]] = deque()
        self._rounds: set[asyncio.Task[None]] = set()
        self._closed = False

    async def find(self, keys: Collection[K]) -> Mapping[K, V]:
        """The answers for these keys, and maybe for others. Raises what the question raised."""
        if not keys:
            return {}
        if self._closed:
            raise Unavailable("The server is stopping.")
        answer: asyncio.Future[Mapping[K, V]] = asyncio.get_running_loop().create_future()
        self._asked.append((keys, answer))
        # One that has just ended is still among them, and takes nothing more.
        if sum(not each.done() for each in self._rounds) < ROUNDS:
            going = asyncio.create_task(self._go(), name="together")
            self._rounds.add(going)
            going.add_done_callback(self._rounds.discard)
        return await answer

    async def close(self) -> None:
        self._closed = True
        await end(self._rounds)
        self._answer(self._asked, Unavailable("The server is stopping."))

    async def _go(self) -> None:
        while self._asked:
            taken, keys = self._take()
            try:
                self._answer(taken, await self._ask(keys))
            except Exception as error:  # whoever asked is told, and the next round goes on
                self._answer(taken, error)
            except BaseException:  # cancelled: nobody may be left waiting for an answer
                self._answer(taken, Unavailable("The server is stopping."))
                raise

    def _take(self) -> tuple[list[Asked[K, V]], list[K]]:
        taken: list[Asked[K, V]] = []
        keys: dict[K, None] = {}
        while self._asked and (not taken or len(keys) + len(self._asked[0][0]) <= self._most):
            asked = self._asked.popleft()
            if not asked[1].done():  # who asked may have gone
                taken.append(asked)
                keys.update(dict.fromkeys(asked[0]))
        return taken, list(keys)

    @staticmethod
    def _answer(asked: Collection[Asked[K, V]], given: Mapping[K, V] | Exception) -> None:
        for _, answer in asked:
            if answer.done():
                continue
            if isinstance(given, Exception):
                answer.set_exception(given)
            else:
                answer.set_result(given)
