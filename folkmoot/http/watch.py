"""Watches requests: names each, counts it, times it, and logs one line of it."""

import re
import time
from collections import Counter, defaultdict
from functools import lru_cache
from uuid import uuid4

import structlog
from sanic import Request
from sanic.response import HTTPResponse
from structlog.contextvars import bind_contextvars, unbind_contextvars

from folkmoot.addresses import client_address
from folkmoot.http.application import Application
from folkmoot.settings import Settings
from folkmoot.telemetry import tracing
from folkmoot.telemetry.clean import path_without_secrets, session_hash
from folkmoot.telemetry.spread import Spread

log = structlog.get_logger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Requests:
    """The requests of a node since its start. Addresses are counted by their routes, which are few."""

    def __init__(self) -> None:
        self.answered: Counter[tuple[str, str, int]] = Counter()  # by method, route and status
        self.took_s: defaultdict[tuple[str, str], Spread] = defaultdict(Spread)  # by method and route

    def count(self, request: Request, status: int, took_s: float) -> str:
        """Counts a request, and gives its route."""
        method = request.method if request.method in METHODS else "other"
        route = pattern_of(request.route.path) if request.route else "none"
        self.answered[method, route, status] += 1
        self.took_s[method, route].add(took_s)
        return route


@lru_cache(1_000)
def pattern_of(path: str) -> str:
    """A route as the OpenAPI document has it, with or without the prefix that nginx cuts off."""
    return "/" + re.sub(r"<(\w+)(:[^>]*)?>", r"{\1}", path.strip("/").removeprefix("api/"))


def watch_requests(app: Application, settings: Settings) -> Requests:
    """Of each request one line is logged: never the query, where a token might be."""
    requests = Requests()

    @app.on_request  # type: ignore[misc, untyped-decorator, unused-ignore]  # Sanic's decorators have no types
    async def begin(request: Request) -> None:
        request.ctx.request_id = request_id = uuid4().hex
        request.ctx.began = time.perf_counter()
        request.ctx.caller = None
        traceparent = request.headers.get("traceparent")
        bind_contextvars(request_id=request_id)
        if tracing.is_on():
            request.ctx.step = tracing.step(request.method, kind="server", traceparent=traceparent)
            request.ctx.taken = request.ctx.step.__enter__()
        elif trace := tracing.trace_of(traceparent):
            bind_contextvars(trace=trace)

    @app.on_response  # type: ignore[misc, untyped-decorator, unused-ignore]
    async def end(request: Request, response: HTTPResponse) -> None:
        if not hasattr(request.ctx, "began"):
            return
        response.headers["X-Request-Id"] = request.ctx.request_id
        took_s = time.perf_counter() - request.ctx.began
        route = requests.count(request, response.status, took_s)
        caller = request.ctx.caller
        log.info(
            "request",
            method=request.method,
            path=path_without_secrets(request.path),
            status=response.status,
            duration_s=round(took_s, 6),
            address=client_address(request.ip, request.headers, settings.trusted_proxies),
            user=caller.user_id if caller else None,
            session=session_hash(caller.session_id) if caller else None,
        )
        unbind_contextvars("request_id", "trace")
        if hasattr(request.ctx, "step"):
            _end_step(request, response.status, route)

    return requests


def _end_step(request: Request, status: int, route: str) -> None:
    taken: tracing.Step = request.ctx.taken
    taken.rename(f"{request.method} {route}")
    taken.note("http.request.method", request.method)
    taken.note("http.route", route)
    taken.note("url.path", path_without_secrets(request.path))
    taken.note("http.response.status_code", status)
    if status >= 500:
        taken.failed(str(status))
    request.ctx.step.__exit__(None, None, None)
