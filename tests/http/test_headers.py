"""Headers that keep a browser from doing what our page does not need: on every answer, also on refusals."""

from pathlib import Path

import httpx
import pytest

from tests.conftest import Start
from tests.http.test_site import INDEX, built
from tests.people import Member, visiting

PROTECTED = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}


def policy_of(answer: httpx.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: sources for name, _, sources in parts}


def assert_protected(answer: httpx.Response) -> None:
    for name, value in PROTECTED.items():
        assert answer.headers[name] == value, (answer.request.url, name)
    assert "camera=()" in answer.headers["permissions-policy"]
    policy = policy_of(answer)
    assert {name: policy[name] for name in POLICY} == POLICY
    assert "unsafe" not in policy["script-src"]
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 200),
        ("GET", "/healthz", 200),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/v1.0/user/auth", 200),
        ("GET", "/api/v1.0/rooms", 401),
        ("POST", "/api/v1.0/session", 400),
        ("GET", "/nope", 404),
        ("DELETE", "/api", 405),
    ],
)
async def test_every_answer_is_protected(visitor: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await visitor.request(method, path)
    assert answer.status_code == status
    assert_protected(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers, "this node is not opened over https"


async def test_what_a_member_reads_is_stored_by_no_cache(ada: Member) -> None:
    for path in ("/api/v1.0/rooms", "/api/v1.0/session", "/api/v1.0/people"):
        answer = await ada.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"


async def test_over_https_browsers_are_told_to_stay_there(start: Start) -> None:
    async with start(url="https://chat.example.org") as node, visiting(node) as http:
        for path in ("/api", "/nope", "/api/v1.0/rooms"):
            assert (await http.get(path)).headers["strict-transport-security"] == "max-age=31536000"


async def test_the_site_is_protected_too(start: Start, tmp_path: Path) -> None:
    async with start(site=built(tmp_path), serve_site=True) as node, visiting(node) as http:
        for path in ("/", "/assets/app-1a2b.js", "/nope.js", "/api/docs"):
            answer = await http.get(path)
            assert_protected(answer)
            assert policy_of(answer)["style-src"] == "'self'"
        assert (await http.get("/")).text == INDEX
        assert (await http.get("/api/docs")).status_code == 200
