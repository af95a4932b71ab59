"""The door of incoming hooks: takes what programs send that speak to Slack, and answers them as Slack does.

Whoever posts here is known by the token in the address alone, so no cookie and no origin is looked at.
"""

from typing import Any
from urllib.parse import parse_qs

from sanic import Request
from sanic.response import HTTPResponse

from folkmoot.actions import Call
from folkmoot.addresses import client_address
from folkmoot.core import Core
from folkmoot.errors import Error, Malformed, TooLarge, WrongType
from folkmoot.http.application import Application
from folkmoot.http.problems import problem
from folkmoot.json import BadJson, decode
from folkmoot.modules.incoming.actions import post
from folkmoot.modules.incoming.metrics import POSTS

HOOKS = "/v1.0/hooks/"
FORM_FIELDS = 20


def add_hooks(app: Application, core: Core, prefixes: tuple[str, ...]) -> None:
    async def handle(request: Request, token: str) -> HTTPResponse:
        try:
            address = client_address(request.ip, request.headers, core.settings.trusted_proxies)
            given: dict[str, Any] = {"token": token, "payload": _payload(request, core.settings.hook_bytes)}
            if "idempotency-key" in request.headers:
                given["key"] = request.headers["idempotency-key"]
            await post.perform(Call(core, None, address), given)
        except Error as error:
            POSTS.labels(error.code).inc()
            return problem(error, request.ctx.request_id)
        POSTS.labels("ok").inc()
        return HTTPResponse("ok", content_type="text/plain; charset=utf-8")

    for prefix in prefixes:
        app.add_route(
            handle,
            f"{prefix}{HOOKS}<token:str>",
            methods=["POST"],
            error_format="json",
            name=f"hooks{prefix.replace('/', '_')}",
        )


def _payload(request: Request, most_bytes: int) -> dict[str, Any]:
    """The object that was sent: as JSON, or as JSON in the field `payload` of a form."""
    body: bytes = request.body
    if len(body) > most_bytes:
        raise TooLarge(f"A hook takes at most {most_bytes} bytes.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" and not body.lstrip().startswith(b"{"):
        body = _form(body)
    elif kind not in ("application/json", "application/x-www-form-urlencoded"):
        raise WrongType("Send JSON, with the header Content-Type: application/json; or a form with the field payload.")
    try:
        given = decode(body)
    except BadJson as error:
        raise Malformed(f"The payload {error}") from None
    if not isinstance(given, dict):
        raise Malformed("The payload must be a JSON object.")
    return given


def _form(body: bytes) -> bytes:
    try:
        fields = parse_qs(body, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise Malformed("The form cannot be read.") from None
    if len(fields.get(b"payload", ())) != 1:
        raise Malformed("The form must have the field payload, once, with JSON in it.")
    return fields[b"payload"][0]
