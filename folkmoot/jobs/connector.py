"""procrastinate's way to PostgreSQL, over the pool and the driver that everything else of ours uses.

Its own connector uses a second driver, which waits without a bound for a server that hangs (decision 10).
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

import asyncpg
import structlog
from procrastinate.connector import BaseAsyncConnector, Notify
from procrastinate.exceptions import ConnectorException, NoResult

from folkmoot.database import AWAY, Database
from folkmoot.errors import Unavailable
from folkmoot.jobs import store

log = structlog.get_logger(__name__)

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
ENDS_JOB = re.compile(r"procrastinate_(finish|retry)_job")
LOOK_AGAIN = json.dumps({"type": "job_inserted", "job_id": 0})
HEARD = 1000  # notifications that may wait
ASKED_AFTER_S = 30.0  # a line that only ever listens is asked that often whether it is still there


class Connector(BaseAsyncConnector):
    """Answers procrastinate's queries out of a `Database`; `listening_dsn` is where its one listening line goes."""

    def __init__(self, database: Database, listening_dsn: str, *, wait_s: float) -> None:
        self._database = database
        self._listening_dsn = listening_dsn
        self._wait_s = wait_s
        self._tell: Notify | None = None  # while somebody listens
        self.start_anew: Callable[[], None] = lambda: None  # what ends the worker, so that another takes its place

    async def open_async(self, pool: object = None) -> None:
        """The database is opened and closed by who gives it to us."""

    async def close_async(self) -> None:
        """See `open_async`."""

    async def execute_query_async(self, query: str, **arguments: Any) -> None:
        ends_job = ENDS_JOB.search(query) is not None
        try:
            await self._fetch(query, arguments)
        except ConnectorException as error:
            if not ends_job:
                raise
            # It would be "doing" for as long as this worker lives, and nobody else would be given it.
            log.warning("job.end_not_kept", id=arguments.get("job_id"), error=str(error))
            self.start_anew()
            return
        if ends_job and self._tell is not None:
            # Another job may have waited for this one's lock. It was announced already, and would be found at the
            # next look only.
            await self._tell(channel="", payload=LOOK_AGAIN)

    async def execute_query_one_async(self, query: str, **arguments: Any) -> dict[str, Any]:
        rows = await self._fetch(query, arguments)
        if not rows:
            raise NoResult
        return rows[0]

    async def execute_query_all_async(self, query: str, **arguments: Any) -> list[dict[str, Any]]:
        return await self._fetch(query, arguments)

    async def _fetch(self, query: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        statement, names = numbered(query)
        values = [json.dumps(value) if isinstance(value := arguments[name], dict) else value for name in names]
        try:
            async with self._database.connection() as connection:
                rows = await connection.fetch(statement, *values)
        except (Unavailable, asyncpg.PostgresError) as error:
            raise ConnectorException(str(error)) from error
        return [_row(row) for row in rows]

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Passes on what is said on the channels, until it is cancelled. Raises ConnectorException when it is cut."""
        heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue(HEARD)
        self._tell = on_notification

        def hear(_: object, __: int, channel: str, payload: object) -> None:
            with suppress(asyncio.QueueFull):  # what is told wakes somebody early; jobs are looked for by time as well
                heard.put_nowait((channel, str(payload)))

        try:
            line = await asyncpg.connect(
                self._listening_dsn,
                timeout=self._wait_s,
                command_timeout=self._wait_s,
                server_settings={"application_name": "folkmoot-jobs"},
            )
            try:
                line.add_termination_listener(lambda _: hear(_, 0, "", ""))
                for channel in channels:
                    await line.add_listener(channel, hear)
                while True:
                    await self._pass_on(heard, line, on_notification)
            finally:
                self._tell = None
                line.terminate()
        except AWAY as error:
            raise ConnectorException(str(error) or type(error).__name__) from error

    async def _pass_on(
        self,
        heard: "asyncio.Queue[tuple[str, str]]",
        line: "asyncpg.Connection[asyncpg.Record]",
        on_notification: Notify,
    ) -> None:
        try:
            async with asyncio.timeout(ASKED_AFTER_S):
                channel, payload = await heard.get()
        except TimeoutError:
            await store.check(line)
            return
        if not channel:
            raise ConnectionResetError("PostgreSQL has ended the line")
        await on_notification(channel=channel, payload=payload)


@lru_cache(maxsize=64)
def numbered(query: str) -> tuple[str, tuple[str, ...]]:
    """A query with numbers for the names of its parameters, and the names in the order of their numbers."""
    names = tuple(dict.fromkeys(PLACEHOLDER.findall(query)))
    return PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1}", query), names


def _row(row: asyncpg.Record) -> dict[str, Any]:
    found = dict(row)
    if isinstance(found.get("args"), str):
        found["args"] = json.loads(found["args"])
    return found
