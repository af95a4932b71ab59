"""What every answer says, also those that nginx makes by itself."""

from collections import Counter

import httpx
import pytest

from folkmoot.http.site import HEADERS, POLICY
from tests.nginx.front import Front

ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/rooms/7", 200),
    ("GET", "/theme.js", 200),
    ("GET", "/nothing.js", 404),
    ("POST", "/", 405),
    ("GET", "/v1.0/session", 404),
    ("GET", "/api", 200),
    ("GET", "/api/v1.0/nothing", 404),
    ("GET", "/api/v1.0/session", 401),
    ("PATCH", "/api/v1.0/session", 405),
    ("GET", "/api/openapi.json", 200),
    ("GET", "/healthz", 200),
    ("GET", "/ws", 404),
    ("GET", "/connection/websocket", 404),
    ("GET", "/db", 404),
    ("GET", "/db/", 404),
]


def assert_protected(answer: httpx.Response, policy: str = POLICY) -> None:
    """Each header of protection is there, with the server's value, and no header is there twice."""
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert answer.headers["content-security-policy"] == policy
    assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"]
    assert answer.headers.get("server") == "nginx"
    repeated = {name: n for name, n in Counter(name for name, _ in answer.headers.multi_items()).items() if n > 1}
    assert not repeated


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_headers_are_on_every_answer_once(entrance: Front, method: str, path: str, status: int) -> None:
    answer = await entrance.http.request(method, path)
    assert answer.status_code == status
    assert_protected(answer)
