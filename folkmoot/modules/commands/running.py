"""Running a command once, however often it is asked for under one `client_id`."""

import asyncio
import time
from contextlib import suppress
from uuid import UUID

import structlog

from folkmoot.actions import Call
from folkmoot.cutting import cut
from folkmoot.errors import Busy, Conflict, Error, Unavailable
from folkmoot.events.event import Draft
from folkmoot.modules.commands import store
from folkmoot.modules.commands.metrics import RUN_SECONDS
from folkmoot.modules.commands.schemas import Ran
from folkmoot.modules.commands.store import Outcome, Run
from folkmoot.slash.commands import Command
from folkmoot.slash.said import Said

lines = structlog.get_logger(__name__)

SHOWN_CHARS = 200  # of what was typed, above the answer
GRACE_S = 5.0  # beyond its time-out, after which a run that left no answer is known to have been cut off


class Once:
    """One run: of a command, by a caller, in a room, under a `client_id`."""

    def __init__(self, call: Call, command: Command, words: str, room_id: int, client_id: UUID) -> None:
        self._call = call
        self._command = command
        self._words = words
        self._room_id = room_id
        self._client_id = client_id
        self._identity = (call.caller.user_id, room_id, client_id)

    async def run(self) -> Ran:
        """Runs it, or gives what came of it before. What fails leaves no trace, so that a repeat runs it again."""
        async with self._call.core.database.connection() as connection:
            await store.forget_old(connection, self._call.caller.user_id)
            is_first = await store.begin(connection, *self._identity)
            earlier = None if is_first else await store.find(connection, *self._identity)
        return await self._tell(await self._finish() if is_first else self._outcome_of(earlier))

    async def _finish(self) -> Outcome:
        """Runs it, and keeps what it gave."""
        began_at, ended = time.monotonic(), "cancelled"
        try:
            outcome = self._outcome(await self._said())
            ended = "ok"
        except Error as error:
            ended = error.code
            await self._forget()
            raise
        finally:
            RUN_SECONDS.labels(self._command.name, ended).observe(time.monotonic() - began_at)
        async with self._call.core.database.connection() as connection:
            await store.keep(connection, *self._identity, outcome)
        return outcome

    async def _said(self) -> Said:
        wait_s = self._call.core.settings.command_wait_s
        try:
            async with asyncio.timeout(wait_s):
                return await self._command.run(self._call, self._words, self._room_id, self._client_id)
        except Error:
            raise
        except TimeoutError:
            raise Unavailable(f"/{self._command.name} took longer than {wait_s:g} seconds and was ended.") from None
        except Exception as fault:  # a command may be anybody's code; who typed it is told, and the log has the trace
            lines.exception("command.failed", command=self._command.name)
            raise Error(f"/{self._command.name} failed on the server. Nothing was posted.") from fault

    def _outcome(self, said: Said) -> Outcome:
        body = cut(said.body.replace("\x00", "").strip(), self._call.core.settings.command_answer_chars)
        if said.only_for_me or not body:
            return Outcome("alone", body or f"/{self._command.name} has nothing to say.")
        if said.own_words:
            return Outcome("message", body)
        typed = " ".join(f"/{self._command.name} {self._words}".split())
        return Outcome("command", f"{typed if len(typed) <= SHOWN_CHARS else typed[: SHOWN_CHARS - 1] + '…'}\n{body}")

    async def _tell(self, outcome: Outcome) -> Ran:
        """Posts it, once under this identity, or hands it to the caller."""
        if outcome.kind == "alone":
            return Ran(answer=outcome.body)
        draft = Draft(self._room_id, outcome.kind, self._call.caller.person, outcome.body, self._client_id)
        return Ran(event=await self._call.core.writer.append(draft))

    def _outcome_of(self, earlier: Run | None) -> Outcome:
        """What an earlier run under this identity gave. Raises Busy while it runs, Conflict when nobody knows."""
        if earlier is not None and earlier.outcome is not None:
            return earlier.outcome
        if earlier is None or earlier.age_s < self._call.core.settings.command_wait_s + GRACE_S:
            raise Busy(f"/{self._command.name} is still running. Try again in a moment.")
        raise Conflict(
            f"The server stopped while /{self._command.name} ran: it may be done or not. Look, then type it anew."
        )

    async def _forget(self) -> None:
        with suppress(Unavailable):  # the caller is to hear why the command failed, not that we could not forget it
            async with self._call.core.database.connection() as connection:
                await store.forget(connection, *self._identity)
