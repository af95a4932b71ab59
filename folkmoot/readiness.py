"""Whether a node should get requests: asked by anybody, so answered from memory for a second."""

import asyncio
import time

from folkmoot.database import Database
from folkmoot.realtime.connections import Connections

KEPT_S = 1.0


class Readiness:
    """Without Redis a node is ready all the same: nodes then find each other's messages by polling."""

    def __init__(self, database: Database, connections: Connections) -> None:
        self._database = database
        self._connections = connections
        self._database_answers = False
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()  # who comes while it is being asked waits for the answer

    async def parts(self) -> dict[str, bool]:
        """Which parts that the node needs answer now, by name."""
        async with self._asking:
            if time.monotonic() - self._asked_at > KEPT_S:
                self._database_answers = await self._database.answers()
                self._asked_at = time.monotonic()
        return {"database": self._database_answers, "accepting": not self._connections.is_draining}
