"""Traces: what happened on behalf of one request, and how long each step took.

The product names its steps here. Unless the operator wants traces, naming one does nothing, and nothing of
OpenTelemetry is loaded; `otel.py` is what does something.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

Kind = Literal["server", "client", "internal"]
Value = str | int | float | bool
Place = object
"""A place in a trace, for steps that another task takes on its behalf."""

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Step(Protocol):
    """A step that is being taken."""

    def rename(self, name: str) -> None: ...

    def note(self, name: str, value: Value) -> None: ...

    def failed(self, code: str) -> None: ...


class Tracer(Protocol):
    def step(
        self, name: str, kind: Kind, traceparent: str | None, notes: Mapping[str, Value]
    ) -> AbstractContextManager[Step]: ...

    def here(self) -> Place | None: ...

    def record(self, name: str, place: Place, began_ns: int, ended_ns: int, notes: Mapping[str, Value]) -> None: ...

    def ids(self) -> tuple[str, str]: ...

    def headers(self) -> dict[str, str]: ...


class _Nothing:
    """A step that nobody wants to know about."""

    def rename(self, name: str) -> None: ...

    def note(self, name: str, value: Value) -> None: ...

    def failed(self, code: str) -> None: ...


_NOTHING: AbstractContextManager[Step] = nullcontext(_Nothing())
_tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """From now on steps go to this tracer; None: nowhere."""
    global _tracer  # noqa: PLW0603 - a process has one, as it has one log
    _tracer = tracer


def is_on() -> bool:
    return _tracer is not None


def step(
    name: str, *, kind: Kind = "internal", traceparent: str | None = None, **notes: Value
) -> AbstractContextManager[Step]:
    """What is done inside of the block, as a step of what is being done around it, or of the caller's trace.

    An `Error` of ours that leaves it is no failure of the step; any other exception is. In notes `__` stands for a dot.
    """
    return _tracer.step(name, kind, traceparent, notes) if _tracer else _NOTHING


def here() -> Place | None:
    """Where this code is, if that is in a trace that is kept."""
    return _tracer.here() if _tracer else None


def record(name: str, place: Place, began_ns: int, ended_ns: int, **notes: Value) -> None:
    """A step that was taken for somebody else, with its times of `time.time_ns`."""
    if _tracer:
        _tracer.record(name, place, began_ns, ended_ns, notes)


def ids() -> tuple[str, str]:
    """The ids of the trace and of the step that this code is in; empty outside of traces."""
    return _tracer.ids() if _tracer else ("", "")


def headers() -> dict[str, str]:
    """What to send with a request, so that who gets it goes on with the trace."""
    return _tracer.headers() if _tracer else {}


def trace_of(traceparent: str | None) -> str | None:
    """The id of the trace that a caller names (W3C Trace Context); None when there is none, or it is no such thing."""
    found = TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return found[1] if found and found[1] != "0" * 32 else None
