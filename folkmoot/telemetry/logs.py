"""Logs: readable lines on a terminal, JSON lines for a machine. Neither ever holds a token or a query string."""

import logging
import sys
from typing import Literal

import structlog
from structlog.tracebacks import ExceptionDictTransformer

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure_logs(level: str, style: Literal["text", "json"], *, worker: int | None = None, **everywhere: str) -> None:
    """Sets up structlog and the standard library alike, on standard error. `everywhere` is in each JSON line.

    `worker` is in each line of either kind: workers share the terminal.
    """
    named = {} if worker is None else {"worker": worker}
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        lambda _, __, line: {**line, **named},
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if style == "json":
        ending: list[structlog.typing.Processor] = [
            lambda _, __, line: {**everywhere, **line},
            # Without locals, which hold passwords and tokens.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    else:
        ending = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    # What they say of themselves is no news, or is said by us where it matters.
    for name in ("sanic.root", "sanic.server", "sanic.access", "sanic.error", "alembic.runtime.plugins", "httpx"):
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.ERROR))
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)
