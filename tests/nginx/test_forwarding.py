"""What the servers behind are told, and by whom."""

from pathlib import Path

import httpx

from folkmoot.app import Node
from tests.conftest import Start
from tests.nginx.behind import behind
from tests.nginx.front import Front, front
from tests.nginx.raw import exchange
from tests.people import PASSWORD, enrol

TARGETS = [
    ("/api", "/"),
    ("/api?a=1", "/?a=1"),
    ("/api/", "/"),
    ("/api/v1.0/rooms?limit=2&after=%20x", "/v1.0/rooms?limit=2&after=%20x"),
    ("/api/api", "/api"),
    ("/api/api/x", "/api/x"),
    ("/api/anything/api", "/anything/api"),
    ("/api/a%2Fb/%3F%C3%A9", "/a%2Fb/%3F%C3%A9"),
    ("/api/a/../b", "/a/../b"),
    ("/api//b", "//b"),
]
ELSEWHERE = ["/apifoo", "/api.json", "/API/x", "/x/../api/v1.0", "//api/v1.0", "/%61pi/v1.0", "/api/%2e%2e/v1.0", "/"]


async def test_the_api_is_asked_for_what_was_written_without_the_prefix(tmp_path: Path) -> None:
    async with behind() as api, front(tmp_path, API_UPSTREAM=api.address) as running:
        for asked, arrives in TARGETS:
            head = f"GET {asked} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
            (answer,) = await exchange(running.port, head)
            assert answer.status == 200
            assert api.requests.pop().target == arrives


async def test_nothing_else_reaches_the_api(tmp_path: Path) -> None:
    async with behind() as api, front(tmp_path, API_UPSTREAM=api.address, WS_UPSTREAM=api.address) as running:
        for path in ELSEWHERE:
            head = f"GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
            (answer,) = await exchange(running.port, head)
            assert answer.status in (200, 404), path
        assert api.requests == []


async def test_who_asks_is_said_by_nginx_alone(tmp_path: Path) -> None:
    lies = {
        "X-Real-IP": "6.6.6.6",
        "X-Forwarded-For": "6.6.6.6, 7.7.7.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Port": "666",
        "X-Forwarded-Prefix": "/evil",
        "X_Real_IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "Proxy": "evil.test",
        "Connection": "X-Real-IP, keep-alive",
        "Upgrade": "h2c",
    }
    async with behind() as api, front(tmp_path, API_UPSTREAM=api.address, WS_UPSTREAM=api.address) as running:
        for path in ("/api/x", "/ws", "/connection/websocket", "/healthz"):
            answer = await running.http.get(path, headers=lies | {"Host": "chat.test:8443"})
            assert answer.status_code == 200
            request = api.requests.pop()
            assert request.one("Host") == "chat.test:8443"
            assert request.one("X-Real-IP") == request.one("X-Forwarded-For") == "127.0.0.1"
            assert request.one("X-Forwarded-Proto") == "http"
            assert request.one("Connection") in ("close", None)
            said = " ".join(request.lines).lower()
            assert not any(lie in said for lie in ("6.6.6.6", "evil", "666", "h2c", "x_real_ip"))


async def test_a_load_balancer_that_the_operator_trusts_is_believed(tmp_path: Path) -> None:
    through = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}
    async with behind() as api, front(tmp_path, API_UPSTREAM=api.address, TRUSTED_PROXIES="127.0.0.0/8") as running:
        answer = await running.http.get("/api/x", headers=through)
        request = api.requests.pop()
        assert request.one("X-Real-IP") == request.one("X-Forwarded-For") == "203.0.113.9"
        assert request.one("X-Forwarded-Proto") == "https"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_the_server_counts_by_the_address_that_nginx_saw(start: Start, tmp_path: Path) -> None:
    """A guesser who says to be somebody else each time is one guesser."""
    async with start(trusted_proxies=("127.0.0.1/32",), sign_in_failures=2) as node, enrol(node, "Ada") as ada:
        address = f"127.0.0.1:{node.port}"
        async with front(tmp_path, API_UPSTREAM=address, WS_UPSTREAM=address) as running:
            statuses = [(await _guess(running, ada.email, f"203.0.113.{number}")).status_code for number in range(1, 5)]
    assert statuses == [401, 401, 429, 429]


async def test_a_client_of_the_server_itself_is_not_believed(node: Node) -> None:
    """The node that all tests share trusts no proxy."""
    assert node.settings.trusted_proxies == ()


async def _guess(running: Front, email: str, address: str) -> httpx.Response:
    lies = {"X-Real-IP": address, "X-Forwarded-For": address}
    return await running.http.post("/api/v1.0/session", json={"email": email, "password": PASSWORD + "!"}, headers=lies)
