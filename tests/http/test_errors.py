"""Every refusal has one shape, and none of them tells how the server is made."""

import asyncio
import socket

import httpx
import msgspec
import pytest

from folkmoot import __version__
from folkmoot.app import Node
from folkmoot.modules.rooms import store
from tests.people import Member, assert_problem, visiting

INSIDES = (
    "Traceback",
    'File "',
    ".py",
    "SELECT",
    "asyncpg",
    "psycopg",
    "Sanic",
    "sanic",
    "Python",
    "postgres",
    "canary",
)


@pytest.mark.parametrize(
    "path",
    [
        "/nope", "/api/nope", "/api/v1.0", "/api/v1.0/nope", "/v1.0/rooms/1/nope", "/apifoo", "/api/v2.0/rooms",
        "/api/v1.0/rooms/1/events/2", "/%00", "/%ff", "/..%2f..%2fetc%2fpasswd", "/api/v1.0/user/auth/x",
        "/" + "x" * 4000, "/wsfoo", "/connection",
    ],
)  # fmt: skip
async def test_an_unknown_address_is_a_problem(visitor: httpx.AsyncClient, path: str) -> None:
    assert_problem(await visitor.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1.0/rooms", {"GET", "POST"}),
        ("PATCH", "/api/v1.0/rooms", {"GET", "POST"}),
        ("PUT", "/api/v1.0/user/auth", {"GET", "POST"}),
        ("POST", "/api/v1.0/people", {"GET"}),
        ("GET", "/api/v1.0/tickets", {"POST"}),
        ("GET", "/api/v1.0/rooms/7/join", {"POST"}),
        ("POST", "/api", {"GET"}),
        ("POST", "/api/openapi.json", {"GET"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("OPTIONS", "/api/v1.0/rooms", {"GET", "POST"}),
        ("TRACE", "/api/v1.0/rooms", {"GET", "POST"}),
    ],
)
async def test_a_wrong_method_says_which_are_right(
    visitor: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = await visitor.request(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed


async def test_a_401_says_how_to_sign_in(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/api/v1.0/rooms")
    assert_problem(answer, 401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_every_answer_has_a_request_id_of_its_own(visitor: httpx.AsyncClient) -> None:
    answers = [await visitor.get(path) for path in ("/api", "/api", "/nope", "/api/v1.0/rooms", "/healthz")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 5


async def test_a_request_id_of_the_client_is_not_repeated(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/api", headers={"X-Request-Id": "canary"})
    assert answer.headers["x-request-id"] != "canary"


async def test_a_fault_of_ours_is_a_500_that_says_nothing_of_our_insides(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fault(*_: object) -> None:
        raise RuntimeError("canary: SELECT password FROM users -- /srv/folkmoot/x.py")

    monkeypatch.setattr(store, "of_user", fault)
    answer = await ada.http.get("/api/v1.0/rooms")
    problem = assert_problem(answer, 500, "internal")
    assert problem["detail"] == "Something went wrong on the server."
    for inside in (*INSIDES, __version__):
        assert inside not in answer.text
        assert not any(inside in value for value in answer.headers.values())
    monkeypatch.undo()
    assert (await ada.http.get("/api/v1.0/rooms")).status_code == 200


async def test_an_answer_that_cannot_be_encoded_is_a_500_too(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    async def strange(*_: object) -> list[object]:
        return [object()]

    monkeypatch.setattr(store, "of_user", strange)
    assert_problem(await ada.http.get("/api/v1.0/rooms"), 500, "internal")


@pytest.mark.parametrize("status", ["400", "401", "404", "405", "413"])
async def test_no_refusal_names_a_server_or_a_version(visitor: httpx.AsyncClient, status: str) -> None:
    answer = {
        "400": await visitor.post("/api/v1.0/session", content=b"{"),
        "401": await visitor.get("/api/v1.0/rooms"),
        "404": await visitor.get("/nope"),
        "405": await visitor.delete("/api"),
        "413": await visitor.post("/api/v1.0/session", content=b"x" * (1 << 21)),
    }[status]
    assert answer.status_code in (int(status), 415)
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers
    for inside in (*INSIDES, __version__):
        assert inside not in answer.text


def raw(port: int, request: bytes) -> bytes:
    """Sends bytes as they are, and reads all that comes back until the server hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        received = b""
        while data := sock.recv(65_536):
            received += data
    return received


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET /api HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
        (b"POST /api/v1.0/session HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /api/v1.0/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /api/v1.0/session HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 200-ok\r\n\r\n{}", 400),
        # In one segment: what comes after the refusal could take the answer back with a reset.
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 413),
    ],
    ids=["nonsense", "version", "header", "length", "negative", "expect", "endless"],
)
async def test_what_is_no_http_is_refused_in_the_same_shape(node: Node, request_bytes: bytes, status: int) -> None:
    head, _, body = (await asyncio.to_thread(raw, node.port, request_bytes)).partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    problem = msgspec.json.decode(body)
    assert problem["status"] == int(lines[0].split()[1]) == status, problem
    assert problem["code"] in ("malformed", "too_large")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"] == problem["request_id"]
    async with visiting(node) as http:
        assert (await http.get("/healthz")).status_code == 200
