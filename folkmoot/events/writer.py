"""Group commit: what arrives while the last commit runs is written together in the next transaction."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

import asyncpg
import structlog

from folkmoot.database import Connection, Database
from folkmoot.errors import Busy, Error, Invalid, NoSuchRoom, Unavailable
from folkmoot.events import store
from folkmoot.events.event import Draft, Event

log = structlog.get_logger(__name__)

# Tells the listeners of a room about events that are safe; never fails, never waits.
Announce = Callable[[Sequence[Event]], None]


class Writer:
    """The process's one appender of member events. Bounded: a full queue refuses, it does not grow."""

    def __init__(self, database: Database, announce: Announce, *, queue: int, batch: int) -> None:
        self._database = database
        self._announce = announce
        self._queue_limit = queue
        self._batch_limit = batch
        self._waiting: deque[tuple[Draft, asyncio.Future[Event]]] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="writer")

    async def close(self) -> None:
        """Writes what is waiting, then ends."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def append(self, draft: Draft) -> Event:
        """The event of this draft, once it would survive a power cut. Drafts are written in the order of calls.

        Raises NoSuchRoom when the author is not in the room, and Unavailable when the outcome is unknown: a repeat with
        the same `client_id` is always safe. A caller that goes away meanwhile takes nothing back.
        """
        if self._closing:
            raise Unavailable("The server is stopping. Try again in a moment.")
        if len(self._waiting) >= self._queue_limit:
            raise Busy("Too many messages are waiting to be written. Nothing was sent: try again.")
        answer: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_look_at)
        self._waiting.append((draft, answer))
        self._arrived.set()
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = list(islice(self._waiting, self._batch_limit))
            for _ in batch:
                self._waiting.popleft()
            outcomes = await self._write([draft for draft, _ in batch])
            for (_, answer), outcome in zip(batch, outcomes, strict=True):
                _settle(answer, outcome)

    async def _write(self, drafts: Sequence[Draft]) -> list[Event | Error]:
        """Writes the drafts together; if the database refuses the batch, each alone, so that a bad one fails alone."""
        if not drafts:
            return []
        try:
            async with self._database.transaction() as connection:
                outcomes, fresh = await _append(connection, drafts)
        except Error as error:
            return [error] * len(drafts)
        except (asyncpg.PostgresError, ValueError) as error:
            if len(drafts) == 1:
                return [_refusal(error, drafts[0])]
            return [(await self._write([draft]))[0] for draft in drafts]
        except Exception:  # the writer must outlive a fault in one batch
            log.exception("writer.failed")
            return [Error()] * len(drafts)
        if fresh:
            self._announce(fresh)
        return outcomes


def _refusal(error: Exception, draft: Draft) -> Error:
    """What the database says about one draft: it can never be written, or something is wrong on our side."""
    if isinstance(error, (ValueError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)):
        log.warning("writer.refused", error=str(error), kind=draft.kind)
        return Invalid("The database does not take this message.")
    log.error("writer.failed", exc_info=error)
    return Error()


async def _append(connection: Connection, drafts: Sequence[Draft]) -> tuple[list[Event | Error], list[Event]]:
    """The outcome of each draft, and the events that are new."""
    # Asked twice: before, so that a stranger's drafts lock nobody's room, and after, because only then it stays true.
    asked = {(draft.room_id, draft.author.id) for draft in drafts}
    rooms = await store.lock_rooms(connection, {room for room, _ in await store.members_among(connection, asked)})
    members = await store.members_among(connection, asked)
    allowed = [draft for draft in drafts if draft.room_id in rooms and (draft.room_id, draft.author.id) in members]
    events = await store.known_events(connection, [draft.identity for draft in allowed])
    # Of repeats within the batch the first is written and answers for all.
    fresh = {draft.identity: draft for draft in reversed(allowed) if draft.identity not in events}
    appended = await store.append(connection, rooms, [*reversed(fresh.values())]) if fresh else []
    events |= {(event.room_id, event.author.id, event.client_id): event for event in appended}
    return [events.get(draft.identity) or NoSuchRoom() for draft in drafts], appended


def _settle(answer: asyncio.Future[Event], outcome: Event | Error) -> None:
    if isinstance(outcome, Error):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _look_at(answer: asyncio.Future[Event]) -> None:
    """Somebody whose caller has gone still has their error looked at, or asyncio would complain of it."""
    if not answer.cancelled():
        answer.exception()
