"""Writes the audit log: what was done in the transaction that does it, and what was refused as soon as may be."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import structlog

from folkmoot.audit import store
from folkmoot.audit.entry import OPERATOR, VISITOR, Actor, Detail, Entry, Origin, Target
from folkmoot.audit.refusals import Refusals
from folkmoot.database import Connection, Database
from folkmoot.errors import Error, Unavailable
from folkmoot.tasks import end
from folkmoot.telemetry.clean import kept_of_address, one_line

if TYPE_CHECKING:
    from folkmoot.actions import Call

WINDOW_S = 600.0
AGAIN_S = 1.0  # after the database could not be reached
LONGEST_TEXT = 300

# What the Elastic Common Schema calls it.
CATEGORIES = {
    "accounts": "iam",
    "bots": "iam",
    "resets": "iam",
    "rooms": "iam",
    "sessions": "authentication",
    "tokens": "iam",
    "twofactor": "authentication",
}

log = structlog.get_logger(__name__)


class AuditLog:
    """Owns the task that writes refusals. It is started by the first of them, and ended by `close`."""

    def __init__(self, database: Database, *, addresses: Literal["full", "network", "none"], refusals: int) -> None:
        self._database = database
        self._addresses = addresses
        self._refusals = Refusals(refusals)
        self._unwritten: list[Entry] = []
        self._fresh = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    async def note(
        self,
        connection: Connection,
        call: "Call",
        target: Target | None,
        *,
        action: str,
        by: Actor | None,
        details: Mapping[str, Detail],
    ) -> None:
        """Writes, in the transaction of the connection, what was done. The server's log says it when it has ended."""
        memo = call.memo
        entry = Entry(
            action=memo.action if memo else action,
            actor=_cleaned(by or actor_of(call)),
            origin=self._origin_of(call),
            target=_named(target),
            details={name: _shown(value) for name, value in details.items()},
        )
        await store.insert(connection, [entry])
        if memo is None:
            _say(entry)
        else:
            memo.noted.append(entry)

    async def conclude(self, call: "Call") -> None:
        """What is done when an action is: an entry, unless it has made one itself; and a line for each."""
        memo = call.memo
        if memo is None:
            return
        if not memo.noted:
            async with self._database.connection() as connection:
                await call.note(connection, memo.about)
        for entry in memo.noted:
            _say(entry)

    def refuse(self, call: "Call", action: str, error: Error) -> None:
        """Remembers that an action was refused, to be written soon. Nobody waits for it."""
        entry = Entry(
            action=action,
            actor=_cleaned(actor_of(call)),
            origin=self._origin_of(call),
            outcome="refused",
            reason=error.code,
            target=_named(call.memo.about if call.memo else None),
        )
        _say(entry)
        if self._refusals.add(entry):
            self._fresh.set()
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_on(), name="audit")

    async def close(self) -> None:
        """Writes what was counted. Without the database it is lost here, and stands in the log of the server."""
        if self._writing is None:
            return
        await end([self._writing])
        self._unwritten += self._refusals.take_fresh() + self._refusals.end_window()
        with suppress(Unavailable):
            await self._write()

    async def _write_on(self) -> None:
        clock = asyncio.get_running_loop().time
        ends_at = clock() + WINDOW_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(ends_at):
                    await self._fresh.wait()
            self._fresh.clear()
            if not self._unwritten:  # or the database was away: what comes meanwhile is counted where it has a bound
                self._unwritten += self._refusals.take_fresh()
                if clock() >= ends_at:
                    self._unwritten += self._refusals.end_window()
                    ends_at = clock() + WINDOW_S
            try:
                await self._write()
            except Unavailable:
                await asyncio.sleep(AGAIN_S)
                self._fresh.set()
            except Exception:  # the next ones may be fine, and these stand in the log of the server
                log.exception("audit.not_written", entries=len(self._unwritten))
                self._unwritten.clear()

    async def _write(self) -> None:
        if self._unwritten:
            async with self._database.connection() as connection:
                await store.insert(connection, self._unwritten)
            self._unwritten.clear()

    def _origin_of(self, call: "Call") -> Origin:
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        return Origin(
            kept_of_address(call.address, self._addresses) or None,
            one_line(call.user_agent)[:LONGEST_TEXT] or None,
            request_id if isinstance(request_id, str) else None,
        )


def actor_of(call: "Call") -> Actor:
    """Who calls."""
    caller = call.signed_in
    if caller is None:
        return Actor(VISITOR)
    if caller.user_id == 0:
        return Actor(OPERATOR)
    return Actor(caller.role, caller.user_id, caller.name, caller.session_id)


def _say(entry: Entry) -> None:
    """The same in the log of the server, for whoever watches all servers in one place."""
    log.info(
        entry.action,
        audit_kind="event",
        audit_category=CATEGORIES.get(entry.action.partition(".")[0], "configuration"),
        audit_outcome="success" if entry.outcome == "done" else "failure",
        audit_reason=entry.reason,
        user=entry.actor.id,
        user_name=entry.actor.name,
        role=entry.actor.role,
        address=entry.origin.address,
        target=f"{entry.target.kind}:{entry.target.id}" if entry.target else None,
    )


def _cleaned(actor: Actor) -> Actor:
    return actor._replace(name=_text(actor.name))


def _named(target: Target | None) -> Target | None:
    return target and target._replace(name=_text(target.name))


def _shown(value: Detail) -> Detail:
    if isinstance(value, list):
        return [one_line(each)[:LONGEST_TEXT] for each in value]
    return one_line(value)[:LONGEST_TEXT] if isinstance(value, str) else value


def _text(text: str | None) -> str | None:
    return text and one_line(text)[:LONGEST_TEXT]
