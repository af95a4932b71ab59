"""Whether a node should get requests, or a worker works: asked by anybody, so answered from memory for a second."""

import asyncio
import time
from collections.abc import Callable, Mapping

from folkmoot.database import Database

KEPT_S = 1.0


class Readiness:
    """Without Redis a node is ready all the same: nodes then find each other's messages by polling."""

    def __init__(self, database: Database, others: Callable[[], Mapping[str, bool]]) -> None:
        self._database = database
        self._others = others
        self._database_answers = False
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()  # who comes while it is being asked waits for the answer

    async def parts(self) -> dict[str, bool]:
        """Which parts that it needs answer now, by name."""
        async with self._asking:
            if time.monotonic() - self._asked_at > KEPT_S:
                self._database_answers = await self._database.answers()
                self._asked_at = time.monotonic()
        return {"database": self._database_answers, **self._others()}
