"""Routes of actions on Sanic: from a request to a call, from a result to an answer."""

import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote

from sanic import Request
from sanic.response import HTTPResponse

from folkmoot.actions import Access, Call, Done, Written
from folkmoot.addresses import client_address
from folkmoot.core import Core
from folkmoot.errors import Error, Invalid, Malformed, WrongType
from folkmoot.http.application import Application
from folkmoot.http.identity import (
    Authenticate,
    check_origin,
    device_of,
    end_session,
    identify,
    remember_device,
    start_session,
)
from folkmoot.http.problems import problem
from folkmoot.json import BadJson, decode, encode
from folkmoot.routes import Reply, Route

PREFIXES = ("", "/api")  # behind nginx, which cuts /api off, and without it
Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]


def add_routes(app: Application, routes: list[Route], core: Core, authenticate: Authenticate) -> None:
    for prefix in PREFIXES:
        for route in routes:
            app.add_route(
                _handler(route, core, authenticate),
                prefix + route.path.replace("{", "<").replace("}", ":str>"),
                methods=[route.method],
                error_format="json",  # of no use here, but Sanic would read our source to guess it
                name=re.sub(r"\W+", "_", f"{route.method} {prefix}{route.path}"),
            )


def _handler(route: Route, core: Core, authenticate: Authenticate) -> Handler:
    async def handle(request: Request, **path: str) -> HTTPResponse:
        try:
            call = await _call(route, request, core, authenticate)
            result = await route.action.perform(call, _given(route, request, path))
        except Error as error:
            more = route.refusal(error) if route.refusal else None
            return problem(error, request.ctx.request_id, more)
        return _answer(route, core, result)

    return handle


async def _call(route: Route, request: Request, core: Core, authenticate: Authenticate) -> Call:
    caller = None
    if route.action.access is Access.ANYONE:
        check_origin(request, core.settings)
    else:
        caller = await identify(request, core.settings, authenticate)
        await core.allowance.spend(caller.user_id)
    address = client_address(request.ip, request.headers, core.settings.trusted_proxies)
    return Call(core, caller, address, request.headers.get("user-agent", ""), device_of(request, core.settings))


def _given(route: Route, request: Request, path: dict[str, str]) -> dict[str, object]:
    """The input of the action: what the path says, and the query or the JSON body."""
    given = _query(request) if route.method in ("GET", "DELETE") else json_body(request)
    if twice := given.keys() & path.keys():
        raise Invalid(fields={name: ["Is given by the path already."] for name in twice})
    return {**given, **{name: Written(unquote(value)) for name, value in path.items()}}


def _query(request: Request) -> dict[str, object]:
    args = request.get_args(keep_blank_values=True)
    if several := [name for name, values in args.items() if len(values) > 1]:
        raise Invalid(fields={name: ["Must be given once."] for name in several})
    return {name: Written(values[0]) for name, values in args.items()}


def json_body(request: Request) -> dict[str, object]:
    """The JSON object that a request carries; none is an empty one. Raises WrongType, Malformed."""
    if not request.body:
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise WrongType("The body must be JSON, with the header Content-Type: application/json.")
    try:
        given = decode(request.body)
    except BadJson as error:
        raise Malformed(f"The body {error}") from None
    if not isinstance(given, dict):
        raise Malformed("The body must be a JSON object.")
    return given


def _answer(route: Route, core: Core, result: object) -> HTTPResponse:
    reply = route.reply(result) if route.reply else Reply(None if isinstance(result, Done) else result)
    if reply.body is None:
        response = HTTPResponse(status=204)
    else:
        body = reply.body if isinstance(reply.body, bytes) else encode(reply.body)
        response = HTTPResponse(body, route.status, content_type=route.content_type)
    if reply.session_token is not None:
        start_session(response, core.settings, reply.session_token, core.settings.session_s)
    if reply.device_token is not None:
        remember_device(response, core.settings, reply.device_token)
    if reply.ends_session:
        end_session(response, core.settings)
    return response
