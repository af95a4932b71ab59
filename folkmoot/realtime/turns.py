"""Work that comes in crowds, done a little in each turn of the loop, so that nobody else waits for the crowd."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Work = Callable[[], None]


class Turns:
    """Does what it is given in order. What is left when a turn is over is done in the next one."""

    def __init__(self, a_turn: int) -> None:
        self._a_turn = a_turn
        self._waiting: deque[Work] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Work) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._go)
        self._waiting.append(work)

    def _go(self) -> None:
        for _ in range(min(len(self._waiting), self._a_turn)):
            work = self._waiting[0]
            try:
                work()
            except Exception:  # the others in the crowd still get their turn
                log.exception("Work of a turn failed")
            # Only now, so that whoever adds something meanwhile does not start a second turn.
            self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go)
