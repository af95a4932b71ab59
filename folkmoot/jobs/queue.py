"""Putting work off: a job is deferred by a row of PostgreSQL, in the transaction of whoever asks for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from folkmoot.database import Connection, Database
from folkmoot.jobs import store
from folkmoot.jobs.job import Registry


class Jobs:
    """What an action may ask of background jobs."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self.registry = registry

    async def defer(
        self,
        name: str,
        given: Mapping[str, object],
        *,
        connection: Connection | None = None,
        in_s: float = 0.0,
        one_by_one: str | None = None,
        unless_waiting: bool = False,
    ) -> int | None:
        """Has a job done, after `in_s` seconds or as soon as a worker is free, and returns its id.

        With a `connection` the job belongs to its transaction: it is there exactly if that commits. Jobs of the same
        `one_by_one` run one after the other, in their order, and one that failed holds up the others until its next
        attempt. `unless_waiting` puts no further one behind one that waits, and returns None: for jobs that see by
        themselves what is to be done, once that is committed. Raises UnknownJob, Invalid, Unavailable.
        """
        checked = self.registry.find(name).parse(given).model_dump_json()
        async with self._connection(connection) as used:
            if unless_waiting and one_by_one is not None and await store.is_waiting(used, one_by_one):
                return None
            return await store.defer(used, name, checked, in_s, one_by_one)

    async def forget(self, connection: Connection, one_by_one: str) -> None:
        """Removes what waits or has failed in a line: what it was for is seen to in another way, or not wanted."""
        await store.forget(connection, one_by_one)

    @asynccontextmanager
    async def _connection(self, given: Connection | None) -> AsyncIterator[Connection]:
        if given is not None:
            yield given
            return
        async with self._database.connection() as own:
            yield own
