"""JSON lines in the Elastic Common Schema, so that log collectors know what is what.

Our lines name things shortly (`status`, `user`); here they get the names of the schema. What the schema has no name for
is ours, under `folkmoot.`, so that it can never clash with a field of another type. `ecs-logging` would nest the names
as well, which Filebeat does anyway (`expand_keys`): that takes it thirty times as long as the line is worth, and it
raises where two names clash.
"""

import traceback
from types import TracebackType
from typing import Any

import msgspec
import structlog

from folkmoot import __version__
from folkmoot.telemetry.clean import one_line, trace_lines

ECS_VERSION = "8.11.0"

# What lines of ours call it, and what the schema does.
FIELDS = {
    "timestamp": "@timestamp",
    "level": "log.level",
    "logger": "log.logger",
    "event": "event.action",
    "request_id": "http.request.id",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "path": "url.path",
    "user_agent": "user_agent.original",
    "address": "client.ip",
    "user": "user.id",
    "session": "folkmoot.session.hash",
    "client": "folkmoot.client.id",
    "close_code": "folkmoot.close.code",
    "close_reason": "folkmoot.close.reason",
    "trace": "trace.id",
    "transaction": "transaction.id",
    "pid": "process.pid",
    "thread": "process.thread.name",
    "error": "error.message",
    "error_code": "error.code",
    "audit_kind": "event.kind",
    "audit_category": "event.category",
    "audit_outcome": "event.outcome",
    "audit_reason": "event.reason",
    "user_name": "user.name",
}
KEYWORDS = frozenset({"user.id", "error.code"})  # numbers of ours that the schema writes as text
NUMBERS = frozenset({"http.response.status_code", "process.pid"})
NANOSECONDS = 1_000_000_000

ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None]


class Ecs:
    """Renders a line. `service` is in each of them."""

    def __init__(self, *, environment: str, node: str) -> None:
        self._service = {
            "ecs.version": ECS_VERSION,
            "event.dataset": "folkmoot",
            "service.name": "folkmoot",
            "service.version": __version__,
            "service.environment": environment,
            "service.node.name": node,
        }
        self._encode = msgspec.json.Encoder().encode

    def __call__(self, _: Any, __: str, line: structlog.typing.EventDict) -> str:
        named: dict[str, object] = {"@timestamp": None, "log.level": None, "message": _message(line)}
        duration_s = line.pop("duration_s", None)
        named.update(line.pop("exception", ()))
        for name, value in line.items():
            field = FIELDS.get(name) or f"folkmoot.{name}"
            if field in NUMBERS and not isinstance(value, int):
                field = f"folkmoot.{name}"  # a word of somebody who means another one: it would make a line unreadable
            named[field] = str(value) if field in KEYWORDS else value
        if duration_s is not None:
            named["event.duration"] = round(duration_s * NANOSECONDS)
        if "http.request.id" in named:  # a request that nobody traces is a trace of its own
            named.setdefault("trace.id", named["http.request.id"])
        named.update(self._service)
        return self._encode(named).decode()


def _message(line: structlog.typing.EventDict) -> str:
    """A sentence where there is one; otherwise what happened, which `event.action` says too."""
    note = line.pop("note", None)
    if "logger" in line and line["logger"] != "folkmoot":  # of a library: its sentence is no name of anything
        return str(line.pop("event"))
    return f"{line['event']}: {note}" if note else str(line["event"])


def error_fields(found: ErrorInfo) -> dict[str, str]:
    """What the schema wants to know about an exception. Without locals, which hold passwords and tokens."""
    kind, error, trace = found
    return {
        "error.type": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        "error.message": one_line(str(error)),
        "error.stack_trace": trace_lines("".join(traceback.format_exception(kind, error, trace))),
    }
