"""The JSON database API: every action of every module at an address of its own, for programs.

    POST /v1.0/actions/<module>/<action>    and, where no REST route is in its way, shorter
    POST /v1.0/<module>/<action>

JSON in, JSON out, and a bearer token always: an address that is as easy to guess as these takes no cookie.
"""

import re
from collections.abc import Callable
from typing import Any

import structlog
from sanic import HTTPResponse, Request
from sanic.exceptions import MethodNotAllowed, NotFound
from sanic.models.handler_types import RouteHandler
from sanic.router import Router
from sanic_routing.route import Route

from folkmoot.actions import Call, Registry
from folkmoot.addresses import client_address
from folkmoot.core import Core
from folkmoot.errors import Error
from folkmoot.http.api import PREFIXES, json_body
from folkmoot.http.application import Application
from folkmoot.http.compression import compressed
from folkmoot.http.identity import Authenticate, identify_program
from folkmoot.http.problems import problem
from folkmoot.json import encode

log = structlog.get_logger(__name__)

ACTIONS = "/v1.0/actions"
DOORS = (f"{ACTIONS}/<module:str>", f"{ACTIONS}/<module:str>/<action:str>")
SHORT = re.compile(r"((?:/api)?/v1\.0/)([^/]+)(?:/([^/]*))?")
OF_THE_SITE = "<path:path>"  # where every address leads that is nobody's


class Addresses(Router):
    """Sanic's router, which asks for the door of an action where no REST address is in its way."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self._registry = registry

    def _get(self, path: str, method: str, host: str | None) -> tuple[Route, RouteHandler, dict[str, Any]]:
        door = self._door(path)
        if door is None:
            return super()._get(path.removesuffix("/") if f"{ACTIONS}/" in path else path, method, host)
        try:
            found = super()._get(path.removesuffix("/"), method, host)
            if found[0].path != OF_THE_SITE:
                return found
        except NotFound:
            pass
        except MethodNotAllowed:
            if method != "POST" or tuple(path.strip("/").split("/")) in self.static_routes:
                raise
        return super()._get(door, method, host)

    def _door(self, path: str) -> str | None:
        """The long address of the action that a short one names; None when there is no such action."""
        short = SHORT.fullmatch(path)
        if short is None or f"{short[2]}.{short[3] or ''}" not in self._registry.actions:
            return None
        return f"{short[1]}actions/{short[2]}" + (f"/{short[3]}" if short[3] else "")


def add_doors(app: Application, registry: Registry, core: Core, authenticate: Authenticate) -> None:
    handler = _handler(registry, core, authenticate)
    for prefix in PREFIXES:
        for number, path in enumerate(DOORS):
            name = f"door_{number}{prefix.replace('/', '_')}"
            app.add_route(handler, prefix + path, methods=["POST"], error_format="json", name=name)


def _handler(registry: Registry, core: Core, authenticate: Authenticate) -> Callable[..., Any]:
    async def handle(request: Request, module: str, action: str = "") -> HTTPResponse:
        try:
            caller = await identify_program(request, core.settings, authenticate)
            await core.allowance.spend(caller.user_id)
            address = client_address(request.ip, request.headers, core.settings.trusted_proxies)
            call = Call(core, caller, address, request.headers.get("user-agent", ""))
            result = await registry.find(f"{module}.{action}").perform(call, json_body(request))
        except Error as error:
            return problem(error, request.ctx.request_id)
        return await compressed(request, encode(result), from_bytes=core.settings.compress_bytes)

    return handle
