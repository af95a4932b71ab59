"""The Sanic application: built by one factory, for the server and the tests alike."""

from collections.abc import Awaitable, Callable

import msgspec
from sanic import Request, Sanic
from sanic.handlers import ErrorHandler
from sanic.response import HTTPResponse

from folkmoot.core import Core
from folkmoot.http.api import PREFIXES, add_routes, watch_requests
from folkmoot.http.application import Application
from folkmoot.http.identity import Authenticate
from folkmoot.http.openapi import describe
from folkmoot.http.problems import answer_exception
from folkmoot.http.site import add_headers, add_site
from folkmoot.routes import Route

Ready = Callable[[], Awaitable[dict[str, bool]]]
"""Which parts this node needs answer now, by name."""


class _Problems(ErrorHandler):
    """Everything that goes wrong is answered in the one shape."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        return answer_exception(request, exception)

    response = default  # also what Sanic's own handlers would answer


def build_http(name: str, core: Core, routes: list[Route], authenticate: Authenticate, ready: Ready) -> Application:
    """The application of one node. `name` must be its own in the process."""
    app = Sanic(name, configure_logging=False, error_handler=_Problems())
    app.config.update(
        ACCESS_LOG=False,
        AUTO_EXTEND=False,
        REQUEST_MAX_SIZE=core.settings.body_limit_bytes,
        REQUEST_TIMEOUT=30,
        RESPONSE_TIMEOUT=60,
        KEEP_ALIVE_TIMEOUT=75,
        GRACEFUL_SHUTDOWN_TIMEOUT=core.settings.drain_s,
        MOTD=False,
    )
    watch_requests(app)
    add_headers(app, core.settings)
    add_routes(app, routes, core, authenticate)
    _add_open_addresses(app, routes, ready)
    site = add_site(app, core.settings)
    if not (core.settings.serve_site and site.is_built):
        app.add_route(_hello, "/", methods=["GET"], name="hello_root")
    return app


def _add_open_addresses(app: Application, routes: list[Route], ready: Ready) -> None:
    """What anybody may ask: hello, the description of the API, and whether the server lives and is ready."""
    document = msgspec.json.encode(describe(routes))

    async def openapi(request: Request) -> HTTPResponse:
        return HTTPResponse(document, content_type="application/json")

    async def live(request: Request) -> HTTPResponse:
        return _json({"live": True})

    async def is_ready(request: Request) -> HTTPResponse:
        parts = await ready()
        return _json({"ready": all(parts.values()), **parts}, 200 if all(parts.values()) else 503)

    app.add_route(_hello, "/api", methods=["GET"], name="hello_api")
    app.add_route(live, "/healthz", methods=["GET", "HEAD"], name="live")
    app.add_route(is_ready, "/readyz", methods=["GET", "HEAD"], name="ready")
    for prefix in PREFIXES:
        app.add_route(openapi, f"{prefix}/openapi.json", methods=["GET"], name=f"openapi{prefix.strip('/')}")


async def _hello(request: Request) -> HTTPResponse:
    return _json({"hello": "world!"})


def _json(body: dict[str, object] | dict[str, bool] | dict[str, str], status: int = 200) -> HTTPResponse:
    return HTTPResponse(msgspec.json.encode(body), status, content_type="application/json")
