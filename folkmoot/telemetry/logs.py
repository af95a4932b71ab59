"""Logs: readable lines on a terminal, JSON lines for a machine. Neither ever holds a token or a query string.

Everything goes this way: our lines, those of libraries, warnings, and whatever nobody has caught.
"""

import logging
import os
import sys
import threading
import traceback
from typing import Any

import structlog

from folkmoot.settings import Settings
from folkmoot.telemetry import tracing
from folkmoot.telemetry.clean import Addresses, clean, trace_lines
from folkmoot.telemetry.ecs import Ecs, ErrorInfo, error_fields
from folkmoot.telemetry.outbox import Outbox, Write, lines, to_file, to_standard_error

__all__ = ["configure_logs", "lines"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

# What they say of themselves is no news, or is said by us where it matters.
QUIET = ("sanic.root", "sanic.server", "sanic.access", "sanic.error", "alembic.runtime.plugins", "httpx", "httpcore")

log = structlog.get_logger(__name__)


def configure_logs(settings: Settings, level: str, *, worker: int | None = None) -> None:
    """Sets up structlog and the standard library alike, for this process. May be called again.

    `level` is the least that is logged. `worker` is in each line: workers share the terminal.
    """
    named = {} if worker is None else {"worker": worker}
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        lambda _, __, line: {**line, **named},
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        Addresses(settings.log_addresses),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    node = settings.process_id if worker is None else f"{settings.process_id}-{worker}"
    as_json = settings.log_format == "json"
    ending = _as_json(settings.environment, node) if as_json else _as_text(colors=_is_terminal(settings))
    outbox = Outbox(_destination(settings, worker), most=settings.log_queue)
    outbox.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_logger, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _take_error, _clean, *ending],
        )
    )
    root = logging.getLogger()
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = [outbox]
    root.setLevel(LEVELS[level])
    for name in QUIET:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.ERROR))
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    _catch_the_uncaught()


def _destination(settings: Settings, worker: int | None) -> Write:
    """Each worker has a file of its own: two processes cannot rotate one file."""
    path = settings.log_file
    if path is None:
        return to_standard_error()
    own = path if worker is None else path.with_name(f"{path.stem}-{worker}{path.suffix}")
    own.parent.mkdir(parents=True, exist_ok=True)
    return to_file(own, most_bytes=settings.log_file_bytes, kept=settings.log_files)


def _is_terminal(settings: Settings) -> bool:
    return settings.log_file is None and sys.stderr.isatty()


# -- what is done to a line


def _name_logger(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    record: logging.LogRecord = line["_record"]
    return {**line, "logger": record.name}


def _take_error(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """An exception, whichever way it was given, becomes the last thing of the line."""
    found = line.pop("exc_info", None)
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    elif found is True:
        found = sys.exc_info()
    line["exception"] = found if isinstance(found, tuple) and found[0] else None
    return line


def _clean(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    error: ErrorInfo | None = line.pop("exception")
    line = clean(line)
    traced, transaction = tracing.ids()
    if traced:
        line.update(trace=traced, transaction=transaction)
    if error is not None:
        line["exception"] = error
    return line


def _as_json(environment: str, node: str) -> list[structlog.typing.Processor]:
    def with_error(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        line["pid"] = os.getpid()
        if "exception" in line:
            line["exception"] = error_fields(line["exception"])
        return line

    return [with_error, Ecs(environment=environment, node=node)]


def _as_text(*, colors: bool) -> list[structlog.typing.Processor]:
    def with_error(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        line.pop("logger", None)
        if "exception" in line:  # set in, so that no line of it looks like one of ours
            trace = trace_lines("".join(traceback.format_exception(*line["exception"])).rstrip())
            line["exception"] = "\n".join(f"  {part}" for part in trace.splitlines())
        return line

    return [with_error, structlog.dev.ConsoleRenderer(colors=colors)]


# -- what nobody has caught


def _catch_the_uncaught() -> None:
    """What ends a process or a thread is a line like any other. asyncio has its own logger for what ends a task."""
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        log.critical("process.failed", exc_info=(kind, error, trace))


def _uncaught_in_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_value is None or found.exc_type is SystemExit:
        return
    name = found.thread.name if found.thread else "unknown"
    log.critical("thread.failed", thread=name, exc_info=(found.exc_type, found.exc_value, found.exc_traceback))
