"""One shape for every error: RFC 9457 JSON with a stable `code`."""

from uuid import uuid4

import msgspec
import structlog
from sanic import Request
from sanic.exceptions import (
    HeaderExpectationFailed,
    MethodNotAllowed,
    PayloadTooLarge,
    RequestCancelled,
    RequestTimeout,
    SanicException,
    ServiceUnavailable,
)
from sanic.exceptions import (
    NotFound as NoRoute,
)
from sanic.response import HTTPResponse

from folkmoot.errors import (
    Error,
    Invalid,
    Malformed,
    NotAllowedHere,
    NotFound,
    SecondFactorNeeded,
    TooLarge,
    Unavailable,
)

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"


def problem(error: Error, request_id: str, more: dict[str, object] | None = None) -> HTTPResponse:
    """The answer to an error. `more` adds members where an address promises them."""
    body: dict[str, object] = {
        "type": f"urn:folkmoot:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if isinstance(error, Invalid) and error.fields:
        body["errors"] = error.fields
    if isinstance(error, SecondFactorNeeded):
        body |= {"challenge": error.challenge, "expires_in_s": error.expires_in_s}
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return HTTPResponse(msgspec.json.encode(body | (more or {})), error.status, headers, content_type=CONTENT_TYPE)


def answer_exception(request: Request | None, exception: BaseException) -> HTTPResponse:
    """What Sanic shows for an exception that no door has translated."""
    request_id = request.ctx.request_id if request and hasattr(request.ctx, "request_id") else uuid4().hex
    error = _translated(exception)
    if (error.status >= 500 and not error.temporary) or type(error) is Error:
        log.error("request.failed", request_id=request_id, exc_info=exception)
    response = problem(error, request_id)
    if isinstance(exception, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(exception.headers.get("Allow", "").split(", ")))
    return response


def _translated(exception: BaseException) -> Error:
    if isinstance(exception, Error):
        return exception
    if isinstance(exception, MethodNotAllowed):
        return NotAllowedHere()
    if isinstance(exception, RequestCancelled):  # who asked has hung up
        return Malformed()
    if isinstance(exception, PayloadTooLarge):
        return TooLarge()
    if isinstance(exception, NoRoute):
        return NotFound()
    if isinstance(exception, (RequestTimeout, ServiceUnavailable)):
        return Unavailable("The request took too long.")
    if isinstance(exception, (HeaderExpectationFailed, SanicException)) and exception.status_code < 500:
        return Malformed()
    return Error()
