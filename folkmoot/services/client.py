"""The HTTP client of one service, without any of the conveniences that could lead a request elsewhere."""

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext

import httpx

from folkmoot import __version__
from folkmoot.services.schema import ServiceEntry

IDLE_S = 5.0  # how long a connection without a request is kept


def open_client(entry: ServiceEntry, headers: Mapping[str, str], tls: SSLContext) -> httpx.AsyncClient:
    """A client that keeps no cookies, follows no redirects, and heeds no proxy and no .netrc of the environment."""
    own = {"user-agent": f"Folkmoot/{__version__}", "accept-encoding": "identity"}
    return httpx.AsyncClient(
        headers=own | {name.lower(): value for name, value in headers.items()},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(entry.read_s, connect=entry.connect_s, pool=entry.total_s),
        limits=httpx.Limits(max_connections=entry.concurrency, keepalive_expiry=IDLE_S),
        follow_redirects=False,
        trust_env=False,
        verify=tls,
    )
