"""Group commit: what arrives while the last commit runs is written together with the next one."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import asyncpg
import structlog

from folkmoot.database import Connection, Database
from folkmoot.errors import Busy, Error, Invalid, NoSuchRoom, Unavailable
from folkmoot.events import store
from folkmoot.events.event import Draft, Event, Identity
from folkmoot.telemetry import tracing
from folkmoot.telemetry.spread import MESSAGES, Spread

log = structlog.get_logger(__name__)

LANES = 2  # batches on their way at once: while one waits for its commit, the next is made ready
PATIENCE_S = 1.0  # a batch that failed after longer than this will not do better at once

# Tells the listeners of a room about events that are safe; never fails, never waits.
Announce = Callable[[Sequence[Event]], None]

Waiting = tuple[Draft, "asyncio.Future[Event]"]
Outcome = Event | Error


class Traced(NamedTuple):
    """Whose trace a message belongs to, and since when it waits."""

    place: tracing.Place
    asked_ns: int


class Writer:
    """The process's one appender of member events. Bounded: a full queue refuses, it does not grow."""

    def __init__(self, database: Database, announce: Announce, *, queue: int, batch: int) -> None:
        self._database = database
        self._announce = announce
        self._queue_limit = queue
        self._batch_limit = batch
        self._ready: dict[int, list[Waiting]] = {}  # what waits, by room
        self._busy: dict[int, list[Waiting]] = {}  # the rooms that a lane is writing to, and what waits for it
        self._count = 0
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()  # kept, because to ask for it is a system call
        self._lanes: list[asyncio.Task[None]] = []
        self._closing = False
        self._traced: dict[asyncio.Future[Event], Traced] = {}
        self.written = 0
        self.refused: Counter[str] = Counter()  # by the code of the error
        self.batches = Spread(MESSAGES)
        self.commit_s = Spread()

    def start(self) -> None:
        self._lanes = [asyncio.create_task(self._run(), name=f"writer-{lane}") for lane in range(LANES)]

    async def close(self) -> None:
        """Writes what is waiting, then ends."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._lanes)
        self._lanes = []

    async def append(self, draft: Draft) -> Event:
        """The event of this draft, once it would survive a power cut. A room's are written in the order of calls.

        Raises NoSuchRoom when the author is not in the room, and Unavailable when the outcome is unknown: a repeat with
        the same `client_id` is always safe. A caller that goes away meanwhile takes nothing back.
        """
        if self._closing:
            raise Unavailable("The server is stopping. Try again in a moment.")
        if self._count >= self._queue_limit:
            self.refused[Busy.code] += 1
            raise Busy("Too many messages are waiting to be written. Nothing was sent: try again.")
        answer: asyncio.Future[Event] = self._loop.create_future()
        self._count += 1
        if (behind := self._busy.get(draft.room_id)) is not None:
            behind.append((draft, answer))
        else:
            self._ready.setdefault(draft.room_id, []).append((draft, answer))
            self._arrived.set()
        if (place := tracing.here()) is not None:
            self._traced[answer] = Traced(place, time.time_ns())
        with tracing.step("writer.wait"):
            return await answer

    async def _run(self) -> None:
        """One lane: takes what waits, writes it, answers, tells."""
        while self._ready or not self._closing:
            if not self._ready:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            rooms, batch = self._take()
            began, began_ns = time.monotonic(), time.time_ns()
            outcomes, fresh = await self._write([draft for draft, _ in batch])
            committed_ns = time.time_ns()
            self._give_back(rooms)
            self._note(outcomes, len(fresh), time.monotonic() - began)
            for (_, answer), outcome in zip(batch, outcomes, strict=True):
                _settle(answer, outcome)
            if fresh:  # after the answers, so that an answer and what it is about can leave with one write
                self._announce(fresh)
            if self._traced:
                self._record(batch, began_ns, committed_ns)
            if isinstance(outcomes[0], Unavailable) and time.monotonic() - began > PATIENCE_S:
                self._refuse_waiting(outcomes[0])

    @property
    def waiting(self) -> int:
        """Messages that wait to be written."""
        return self._count

    def _note(self, outcomes: Sequence[Outcome], fresh: int, took_s: float) -> None:
        self.batches.add(len(outcomes))
        self.commit_s.add(took_s)
        self.written += fresh
        if fresh < len(outcomes):  # else there is nothing to look for
            self.refused.update(outcome.code for outcome in outcomes if isinstance(outcome, Error))

    def _record(self, batch: Sequence[Waiting], began_ns: int, committed_ns: int) -> None:
        """What a batch did for each of those who are traced."""
        now_ns = time.time_ns()
        for _, answer in batch:
            if traced := self._traced.pop(answer, None):
                tracing.record("writer.queue", traced.place, traced.asked_ns, began_ns)
                tracing.record("writer.commit", traced.place, began_ns, committed_ns, messages=len(batch))
                tracing.record("publish", traced.place, committed_ns, now_ns)

    def _refuse_waiting(self, error: Unavailable) -> None:
        """The database hangs: those who waited for one batch in vain do not wait for a second one."""
        for waiting in (*self._ready.values(), *self._busy.values()):
            self._count -= len(waiting)
            self.refused[error.code] += len(waiting)
            for _, answer in waiting:
                self._traced.pop(answer, None)
                _settle(answer, error)
            waiting.clear()
        self._ready.clear()

    def _take(self) -> tuple[list[int], list[Waiting]]:
        """The next batch. Its rooms are this lane's until they are given back, so that each room stays in order."""
        rooms: list[int] = []
        batch: list[Waiting] = []
        while self._ready and (room_left := self._batch_limit - len(batch)) > 0:
            room_id = next(iter(self._ready))
            waiting = self._ready.pop(room_id)
            rooms.append(room_id)
            batch += waiting[:room_left]
            self._busy[room_id] = waiting[room_left:]
        self._count -= len(batch)
        return rooms, batch

    def _give_back(self, rooms: Sequence[int]) -> None:
        for room_id in rooms:
            if waiting := self._busy.pop(room_id):
                self._ready[room_id] = waiting
        self._arrived.set()  # the other lane looks, too: at what waited, or whether all is done

    async def _write(self, drafts: Sequence[Draft]) -> tuple[Sequence[Outcome], list[Event]]:
        """The outcome of each draft, and the new events.

        They are written together; if the database refuses the batch, each alone, so that a bad one fails alone.
        """
        try:
            async with self._database.connection() as connection:
                return await _append(connection, drafts)
        except Error as error:
            return [error] * len(drafts), []
        except (asyncpg.PostgresError, ValueError) as error:
            if len(drafts) == 1:
                return [_refusal(error, drafts[0])], []
            alone = [await self._write([draft]) for draft in drafts]
            return [outcome for (outcome,), _ in alone], [event for _, fresh in alone for event in fresh]
        except Exception:  # the writer must outlive a fault in one batch
            log.exception("writer.failed")
            return [Error()] * len(drafts), []


def _refusal(error: Exception, draft: Draft) -> Error:
    """What the database says about one draft: it can never be written, or something is wrong on our side."""
    if isinstance(error, (ValueError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)):
        log.warning("writer.refused", error=str(error), kind=draft.kind)
        return Invalid("The database does not take this message.")
    log.error("writer.failed", exc_info=error)
    return Error()


async def _append(connection: Connection, drafts: Sequence[Draft]) -> tuple[Sequence[Outcome], list[Event]]:
    """One statement, which is its own transaction. Of repeats within the batch the first answers for all."""
    first: dict[Identity, Draft] = {}
    identities = [draft.identity for draft in drafts]
    for identity, draft in zip(identities, drafts, strict=True):
        first.setdefault(identity, draft)
    events, fresh = await store.append(connection, list(first.values()))
    by_identity = dict(zip(first, events, strict=True))
    return [by_identity[identity] or NoSuchRoom() for identity in identities], fresh


def _settle(answer: asyncio.Future[Event], outcome: Outcome) -> None:
    if answer.done():
        return  # whoever asked has gone
    if isinstance(outcome, Error):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
