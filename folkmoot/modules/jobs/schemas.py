"""What the operator's view of jobs takes and gives."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from folkmoot.actions import DIGITS, MAX_ID, Id, Input, Output

State = Literal["waiting", "running", "failed"]


class PageOf(Input):
    """A page of jobs: those with ids below `before`, newest first."""

    before: Id = MAX_ID
    limit: Annotated[int, Field(strict=True, ge=1, le=200), DIGITS] = 50


class JobId(Input):
    job_id: Id


class JobCounts(Output, frozen=True):
    """How much there is to do. `workers` have given a sign of life within half a minute."""

    waiting: int
    running: int
    failed: int
    oldest_waiting_s: float
    workers: int


class StoredJob(Output, frozen=True):
    """A job. `attempts` have failed so far; `error` is what went wrong last; `given` is its input as JSON."""

    id: int
    name: str
    state: State
    attempts: int
    given: str
    deferred_at: datetime
    since: datetime
    due_at: datetime | None
    error: str | None


class JobPage(Output, frozen=True):
    """A page, newest first. There are `more` below the last one."""

    jobs: list[StoredJob]
    more: bool


class Retried(Output, frozen=True):
    """How many jobs were started afresh."""

    retried: int
