"""The Sanic application: built by one factory, for the server and the tests alike."""

from collections.abc import Awaitable, Callable

import msgspec
from sanic import Request, Sanic
from sanic.handlers import ErrorHandler
from sanic.response import HTTPResponse

from folkmoot.core import Core
from folkmoot.http.api import PREFIXES, add_routes
from folkmoot.http.application import Application
from folkmoot.http.doors import Addresses, add_doors
from folkmoot.http.hooks import add_hooks
from folkmoot.http.identity import Authenticate
from folkmoot.http.openapi import describe
from folkmoot.http.problems import answer_exception
from folkmoot.http.site import HERE, Site, add_headers, add_site
from folkmoot.http.watch import watch_requests
from folkmoot.loading.modules import Modules

Ready = Callable[[], Awaitable[dict[str, bool]]]
"""Which parts this node needs answer now, by name."""


class _Problems(ErrorHandler):
    """Everything that goes wrong is answered in the one shape."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        return answer_exception(request, exception)

    response = default  # also what Sanic's own handlers would answer


def build_http(name: str, core: Core, modules: Modules, authenticate: Authenticate, ready: Ready) -> Application:
    """The application of one node. `name` must be its own in the process."""
    app = Sanic(name, configure_logging=False, error_handler=_Problems(), router=Addresses(modules.registry))
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
    app.ctx.requests = watch_requests(app, core.settings)
    add_headers(app, core.settings)
    site = Site(core.settings.site or HERE)

    def add_addresses() -> None:
        _add_health(app, modules, ready)
        if core.settings.only == "socket":
            return
        add_routes(app, modules.routes, core, authenticate)
        add_hooks(app, core, PREFIXES)
        add_doors(app, modules.registry, core, authenticate)
        _add_open_addresses(app, modules)
        add_site(app, site, core.settings)
        if not (core.settings.serve_site and site.is_built):
            app.add_route(_hello, "/", methods=["GET"], name="hello_root")

    add_addresses()
    app.ctx.add_addresses, app.ctx.registry = add_addresses, modules.registry
    return app


def renew_addresses(app: Application) -> None:
    """Makes the addresses of a running application anew, after its modules have changed."""
    with app.amend():
        app.router = Addresses(app.ctx.registry)
        app.router.ctx.app = app
        app.ctx.add_addresses()


def _add_open_addresses(app: Application, modules: Modules) -> None:
    """What anybody may ask: hello, and the description of the API."""
    document = msgspec.json.encode(describe(modules.routes, modules.registry.callable))

    async def openapi(request: Request) -> HTTPResponse:
        return HTTPResponse(document, content_type="application/json")

    app.add_route(_hello, "/api", methods=["GET"], name="hello_api")
    for prefix in PREFIXES:
        app.add_route(openapi, f"{prefix}/openapi.json", methods=["GET"], name=f"openapi{prefix.strip('/')}")


def _add_health(app: Application, modules: Modules, ready: Ready) -> None:
    """Whether the server lives and is ready, for whoever sends people to it."""

    async def live(request: Request) -> HTTPResponse:
        return _json({"live": True})

    async def say_ready(request: Request) -> HTTPResponse:
        parts = await ready()
        is_ready = all(parts.values())
        # A module that could not be loaded is said, and no reason to send nobody here: the others work.
        failed = {"modules": False} if modules.failures else {}
        return _json({"ready": is_ready, **parts, **failed}, 200 if is_ready else 503)

    app.add_route(live, "/healthz", methods=["GET", "HEAD"], name="live")
    app.add_route(say_ready, "/readyz", methods=["GET", "HEAD"], name="ready")


async def _hello(request: Request) -> HTTPResponse:
    return _json({"hello": "world!"})


def _json(body: dict[str, object] | dict[str, bool] | dict[str, str], status: int = 200) -> HTTPResponse:
    return HTTPResponse(msgspec.json.encode(body), status, content_type="application/json")
