"""What can be done in the background: jobs, declared once in a module's `jobs.py`."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from pydantic import BaseModel, ValidationError

from folkmoot.actions import Input, messages_by_field
from folkmoot.errors import Invalid

if TYPE_CHECKING:
    from folkmoot.core import Core

LONGEST_NAME = 40  # a job's queue is named after it, and PostgreSQL allows no longer name to the channel of a queue


class GiveUp(Exception):
    """Raised by a job that would not do better next time: it is kept as failed at once."""


class UnknownJob(Exception):
    """There is no job of that name in the loaded modules."""


class Tick(Input):
    """What a job with a timetable is given: the second, since 1970, at which it was due."""

    timestamp: int


@dataclass(frozen=True, slots=True)
class Work:
    """One run of a job: the product, and which attempt this is, counted from 0."""

    core: "Core"
    job_id: int
    attempt: int


Given = TypeVar("Given", bound=BaseModel)
Run = Callable[[Work, Given], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """A declared job.

    An attempt may take `timeout_s`. A failed one is repeated `retries` times, the first time after about `first_s`
    seconds and then twice as long each time, at most `longest_s`; then the job is kept as failed. `cron` is a timetable
    (minute, hour, day, month, weekday in UTC), by which one of all nodes starts the job.
    """

    name: str
    run: Run[Any]
    takes: type[BaseModel]
    retries: int
    first_s: float
    longest_s: float
    timeout_s: float
    cron: str | None

    def parse(self, given: Mapping[str, object]) -> BaseModel:
        """Checks what a job is given. Raises Invalid."""
        try:
            return self.takes.model_validate(given)
        except ValidationError as error:
            raise Invalid(fields=messages_by_field(error)) from None


def job(
    *,
    retries: int = 5,
    first_s: float = 5.0,
    longest_s: float = 3600.0,
    timeout_s: float = 60.0,
    cron: str | None = None,
) -> Callable[[Run[Given]], Job]:
    """Declares a function of a module's `jobs.py` as a job named `<module>.<function>`.

    The function takes a `Work` and a pydantic model. It may run twice: after a crash nobody knows how far it came.
    """

    def declare(run: Run[Given]) -> Job:
        hints = get_type_hints(run, localns={"Core": Any})
        (_, given) = inspect.signature(run).parameters
        name = f"{run.__module__.split('.')[-2]}.{run.__name__}"
        if len(name.encode()) > LONGEST_NAME:
            raise ValueError(f"The name of the job {name} is longer than {LONGEST_NAME} bytes.")
        return Job(name, run, hints[given], retries, first_s, longest_s, timeout_s, cron)

    return declare


def declared_in(package: str) -> list[Job]:
    """The jobs of a module, which need not have any."""
    if find_spec(f"{package}.jobs") is None:
        return []
    home = import_module(f"{package}.jobs")
    return [entry for entry in vars(home).values() if isinstance(entry, Job) and entry.run.__module__ == home.__name__]


class Registry:
    """The jobs of the loaded modules, by their names."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs: dict[str, Job] = {}
        self.add(jobs)

    def add(self, jobs: Iterable[Job]) -> None:
        self.jobs |= {job.name: job for job in jobs}

    def remove(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            del self.jobs[job.name]

    def find(self, name: str) -> Job:
        """The job of that name. Raises UnknownJob."""
        if name not in self.jobs:
            raise UnknownJob(f"There is no job {name!r}. There are: {', '.join(sorted(self.jobs))}.")
        return self.jobs[name]
