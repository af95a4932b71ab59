"""What the audit log takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints

from folkmoot.actions import DIGITS, MAX_ID, PRINTABLE, Id, Input, Output, Seq
from folkmoot.audit.entry import Detail, Outcome, TargetKind

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)?$", max_length=80), PRINTABLE]


def _written_out(given: object) -> object:
    """As ISO 8601 has it: a bare number could be seconds or milliseconds of anything."""
    if isinstance(given, str) and "T" not in given.upper():
        raise ValueError("Must be a date and a time as in 2026-11-21T17:00:00Z.")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


class Wanted(Input):
    """Which entries. `who` is the id of an account, and 0 the operator; `what` an action or the name of a module."""

    who: Seq | None = None
    what: Name | None = None
    outcome: Outcome | None = None
    target_kind: TargetKind | None = None
    target_id: Id | None = None
    since: Moment | None = None
    until: Moment | None = None
    before: Id = MAX_ID


class PageOf(Wanted):
    """A page of them: those with ids below `before`, newest first."""

    limit: Annotated[int, Field(strict=True, ge=1, le=200), DIGITS] = 50


class Export(Wanted):
    """As many lines at once; the next begin `before` the id of the last one."""

    limit: Annotated[int, Field(strict=True, ge=1, le=10_000), DIGITS] = 10_000


class AuditEntry(Output, frozen=True):
    """What somebody did or was refused, `times` times.

    `role` is member, admin, bot, operator, visitor or system; `reason` the code of the error that refused it.
    """

    id: int
    at: datetime
    action: str
    outcome: Outcome
    reason: str | None
    times: int
    role: str
    actor_id: int | None
    actor_name: str | None
    session_id: int | None
    address: str | None
    user_agent: str | None
    request_id: str | None
    target_kind: str | None
    target_id: int | None
    target_name: str | None
    details: dict[str, Detail]


class AuditPage(Output, frozen=True):
    """A page, newest first. There are `more` below the last one."""

    entries: list[AuditEntry]
    more: bool


class Exported(Output, frozen=True):
    """Entries as JSON lines, newest first."""

    lines: str
