"""Group commit: what arrives while the last commit runs is written together with the next one."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
import structlog

from folkmoot.database import AWAY, Connection, Database
from folkmoot.errors import Busy, Error, Invalid, NoSuchRoom, Unavailable
from folkmoot.events import store
from folkmoot.events.event import Draft, Event, Identity
from folkmoot.telemetry import tracing
from folkmoot.telemetry.spread import MESSAGES, Spread

log = structlog.get_logger(__name__)

LANES = 2  # batches on their way at once: while one waits for its commit, the next is made ready
KEEP_S = 1.0  # how long a lane that has nothing to write keeps its connection
PATIENCE_S = 1.0  # a batch that failed after longer than this will not do better at once

# Tells the listeners of a room about events that are safe; never fails, never waits.
Announce = Callable[[Sequence[Event]], None]

Waiting = tuple[Draft, "asyncio.Future[Event]"]
Outcome = Event | Error


@dataclass(slots=True)
class Batch:
    """What a lane writes together, and the rooms that are its own meanwhile."""

    waiting: list[Waiting] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)
    began_at: float = field(default_factory=time.monotonic)
    began_ns: int = field(default_factory=time.time_ns)

    @property
    def drafts(self) -> list[Draft]:
        return [draft for draft, _ in self.waiting]

    def first(self) -> "Batch":
        """Its first message, to be written alone; the room stays the batch's."""
        return Batch(self.waiting[:1])


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
        return await answer

    async def _run(self) -> None:
        """One lane: takes what waits, writes it, answers, tells."""
        while await self._something_waits():
            batch = self._take()
            try:
                # Kept while there is something to write: to take one and give it back costs as much as five messages.
                async with self._database.connection() as connection:
                    while batch.waiting:
                        await self._write(connection, batch)
                        batch = await self._take_soon(connection)
            except Error as error:
                self._conclude(batch, [error] * len(batch.waiting), [])
            except Exception:  # the writer must outlive a fault in one batch
                log.exception("writer.failed")
                self._conclude(batch, [Error()] * len(batch.waiting), [])

    async def _something_waits(self, within_s: float | None = None) -> bool:
        """Whether something does, by then; without a limit, false only when the writer closes."""
        while not self._ready and not self._closing:
            self._arrived.clear()
            try:
                async with asyncio.timeout(within_s):
                    await self._arrived.wait()
            except TimeoutError:
                break
        return bool(self._ready)

    async def _take_soon(self, connection: Connection) -> Batch:
        """The next batch, if there is one before the connection is old. Empty: the lane lets go of it."""
        if await self._something_waits(KEEP_S) and not connection.is_closed():
            return self._take()
        return Batch()

    async def _write(self, connection: Connection, batch: Batch) -> None:
        """All of a batch together; if the database refuses that, each alone, so that a bad one fails alone."""
        try:
            outcomes, fresh = await _append(connection, batch.drafts)
        except AWAY:
            raise
        except (asyncpg.PostgresError, ValueError) as error:
            if len(batch.waiting) == 1:
                self._conclude(batch, [_refusal(error, batch.drafts[0])], [])
            else:
                await self._write_each(connection, batch)
        else:
            self._conclude(batch, outcomes, fresh)

    async def _write_each(self, connection: Connection, batch: Batch) -> None:
        """Each message by itself. What is known of one is said at once: the database may go away before the next."""
        while len(batch.waiting) > 1:
            await self._write(connection, batch.first())
            del batch.waiting[0]
        await self._write(connection, batch)

    def _conclude(self, batch: Batch, outcomes: Sequence[Outcome], fresh: Sequence[Event]) -> None:
        """Answers everybody in a batch, once, and tells the rooms."""
        if not batch.waiting:
            return
        took_s, committed_ns = time.monotonic() - batch.began_at, time.time_ns()
        self._give_back(batch.rooms)
        self._note(outcomes, len(fresh), took_s)
        for (_, answer), outcome in zip(batch.waiting, outcomes, strict=True):
            _settle(answer, outcome)
        if fresh:  # after the answers, so that an answer and what it is about can leave with one write
            self._announce(fresh)
        if self._traced:
            self._record(batch, committed_ns)
        batch.waiting.clear()
        if isinstance(outcomes[0], Unavailable) and took_s > PATIENCE_S:
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

    def _record(self, batch: Batch, committed_ns: int) -> None:
        """What a batch did for each of those who are traced."""
        now_ns = time.time_ns()
        for _, answer in batch.waiting:
            if traced := self._traced.pop(answer, None):
                tracing.record("writer.queue", traced.place, traced.asked_ns, batch.began_ns)
                tracing.record("writer.commit", traced.place, batch.began_ns, committed_ns, messages=len(batch.waiting))
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

    def _take(self) -> Batch:
        """The next batch. Its rooms are this lane's until they are given back, so that each room stays in order."""
        batch = Batch()
        while self._ready and (room_left := self._batch_limit - len(batch.waiting)) > 0:
            room_id = next(iter(self._ready))
            waiting = self._ready.pop(room_id)
            batch.rooms.append(room_id)
            batch.waiting += waiting[:room_left]
            self._busy[room_id] = waiting[room_left:]
        self._count -= len(batch.waiting)
        return batch

    def _give_back(self, rooms: list[int]) -> None:
        while rooms:
            room_id = rooms.pop()
            if waiting := self._busy.pop(room_id):
                self._ready[room_id] = waiting
        self._arrived.set()  # the other lane looks, too: at what waited, or whether all is done


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
    if len(first) < len(drafts):
        by_identity = dict(zip(first, events, strict=True))
        events = [by_identity[identity] for identity in identities]
    return [event or NoSuchRoom() for event in events], fresh


def _settle(answer: asyncio.Future[Event], outcome: Outcome) -> None:
    if answer.done():
        return  # whoever asked has gone
    if isinstance(outcome, Error):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
