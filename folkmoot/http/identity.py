"""Who sends a request: the bearer of a token, or a browser with its cookie and proof that our own page sent it."""

from collections.abc import Awaitable, Callable

from sanic import Request
from sanic.response import HTTPResponse

from folkmoot.actions import Caller
from folkmoot.errors import Forbidden, Malformed, NotSignedIn
from folkmoot.settings import Settings

Authenticate = Callable[[str], Awaitable[Caller]]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PAGE_HEADER = "x-requested-with"  # other sites cannot add a header without asking first, and we never agree
PAGE_VALUE = "folkmoot"
DEVICE_S = 365 * 86_400  # for which a browser stays known
LONGEST_DEVICE_TOKEN = 64


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host, but browsers take it over https only."""
    return "__Host-sid" if settings.secure_cookies else "sid"


def device_cookie_name(settings: Settings) -> str:
    return "__Host-device" if settings.secure_cookies else "device"


async def identify(request: Request, settings: Settings, authenticate: Authenticate) -> Caller:
    """The caller. Raises NotSignedIn; Forbidden for a request that another site may have made the browser send."""
    bearer = _bearer(request)
    cookie = request.cookies.get(cookie_name(settings))
    if bearer is not None and cookie is not None:
        raise Malformed("Send either a bearer token or the cookie, not both.")
    if bearer is None and cookie is None:
        raise NotSignedIn
    if bearer is None:
        check_own_page(request, settings)
        caller = await of_cookie(cookie or "", authenticate)
    else:
        caller = await authenticate(bearer)
    request.ctx.caller = caller  # for whoever looks at the request when it is answered
    return caller


async def of_cookie(token: str, authenticate: Authenticate) -> Caller:
    """Who a browser says it is. Raises NotSignedIn, in words for people: they know of no token."""
    try:
        return await authenticate(token)
    except NotSignedIn:
        raise NotSignedIn("Your sign-in has ended. Sign in again.") from None


async def identify_program(request: Request, settings: Settings, authenticate: Authenticate) -> Caller:
    """The caller at an address that takes no cookie. Raises NotSignedIn."""
    if request.headers.get("authorization") is None:
        raise NotSignedIn("Send the header Authorization: Bearer TOKEN.")
    return await identify(request, settings, authenticate)


def check_own_page(request: Request, settings: Settings) -> None:
    """Raises Forbidden unless our own page sent the request, as far as a browser tells."""
    check_origin(request, settings)
    if request.method not in SAFE and request.headers.get(PAGE_HEADER) != PAGE_VALUE:
        raise Forbidden(f"Requests with a cookie must send the header {PAGE_HEADER}: {PAGE_VALUE}.")


def check_origin(request: Request, settings: Settings) -> None:
    """Raises Forbidden for a change that a browser asks for on a page we do not know as ours."""
    site = request.headers.get("sec-fetch-site")
    if request.method in SAFE:
        return
    if site not in (None, "same-origin", "none"):
        raise Forbidden("Another site sent this request.")
    origin = request.headers.get("origin")
    if origin is not None and origin not in settings.allowed_origins:
        raise Forbidden(
            f"This server is not opened under {origin[:100]}: the operator can allow it in FOLKMOOT_ORIGINS."
        )


def start_session(response: HTTPResponse, settings: Settings, token: str, lifetime_s: int) -> None:
    response.add_cookie(
        cookie_name(settings).removeprefix("__Host-"),
        token,
        max_age=lifetime_s,
        httponly=True,
        secure=settings.secure_cookies,
        samesite="Strict",
        path="/",
        host_prefix=settings.secure_cookies,
    )


def device_of(request: Request, settings: Settings) -> str:
    """The token by which the browser is known; empty for all others."""
    token = request.cookies.get(device_cookie_name(settings))
    return token if isinstance(token, str) and len(token) <= LONGEST_DEVICE_TOKEN else ""


def remember_device(response: HTTPResponse, settings: Settings, token: str) -> None:
    response.add_cookie(
        "device",
        token,
        max_age=DEVICE_S,
        httponly=True,
        secure=settings.secure_cookies,
        samesite="Strict",
        path="/",
        host_prefix=settings.secure_cookies,
    )


def end_session(response: HTTPResponse, settings: Settings) -> None:
    start_session(response, settings, token="", lifetime_s=0)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedIn("The Authorization header must read: Bearer TOKEN.")
    return str(token.strip())
