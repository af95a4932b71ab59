"""The JSON database API: each action at an address of its own, for programs with a token."""

import gzip
from uuid import uuid4

import httpx
import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Browser, Member, assert_problem, enrol, token_of, visiting

LONG = "/api/v1.0/actions"


@pytest.mark.parametrize("base", ["/v1.0", "/v1.0/actions", "/api/v1.0", "/api/v1.0/actions"])
async def test_an_action_of_ours_has_the_same_doors_as_one_of_a_module(ada: Member, base: str) -> None:
    room_id = await ada.make_room("Shed")
    answer = await ada.http.post(f"{base}/rooms/mine", json={})
    assert answer.status_code == 200
    assert "Shed" in [room["name"] for room in answer.json()["rooms"]]
    said = {"room_id": room_id, "body": "hi", "client_id": str(uuid4())}
    assert (await ada.http.post(f"{base}/messages/send", json=said)).json()["seq"] == 2


async def test_the_rest_addresses_win(ada: Member) -> None:
    made = await ada.http.post("/api/v1.0/rooms", json={"name": "By REST"})
    assert made.status_code == 201
    room_id = made.json()["id"]
    assert (await ada.http.get(f"/api/v1.0/rooms/{room_id}")).json()["name"] == "By REST"
    assert_problem(await ada.http.get("/api/v1.0/rooms/mine"), 400, "invalid")  # an id, to REST
    assert (await ada.http.get("/api/v1.0/rooms/open")).status_code == 200
    assert (await ada.http.post(f"/api/v1.0/rooms/{room_id}/leave")).status_code == 204


async def test_a_rest_address_takes_what_it_is_described_to_take(admin: Member) -> None:
    assert (await admin.http.get("/api/v1.0/jobs/failed")).status_code == 200
    assert_problem(await admin.http.post("/api/v1.0/jobs/failed", json={}), 405, "method_not_allowed")
    assert (await admin.http.post(f"{LONG}/jobs/failed", json={})).status_code == 200


async def test_what_is_no_action_has_no_door(ada: Member) -> None:
    for path in (
        f"{LONG}/rooms/none",
        f"{LONG}/none/mine",
        f"{LONG}/rooms",
        f"{LONG}/rooms/",
        f"{LONG}/rooms/__class__",
    ):
        assert_problem(await ada.http.post(path, json={}), 404, "unknown_method")
    for path in ("/api/v1.0/rooms/none", "/api/v1.0/none/mine", "/api/v1.0/nothing", f"{LONG}/rooms/mine/more", LONG):
        assert (await ada.http.post(path, json={})).status_code in (404, 405)


async def test_what_anybody_may_do_is_for_rest_alone(ada: Member) -> None:
    given = {"email": ada.email, "password": "correct horse battery"}
    assert_problem(await ada.http.post(f"{LONG}/accounts/sign_in", json=given), 404, "unknown_method")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_only_post_opens_them(ada: Member, method: str) -> None:
    for path in (f"{LONG}/rooms/mine", "/api/v1.0/messages/send"):
        refused = await ada.http.request(method, path)
        assert_problem(refused, 405, "method_not_allowed")
        assert refused.headers["allow"] == "POST"


async def test_a_cookie_opens_none(browser: Browser) -> None:
    assert (await browser.http.get("/api/v1.0/rooms")).status_code == 200
    for path in (f"{LONG}/rooms/mine", "/api/v1.0/rooms/mine"):
        assert_problem(await browser.http.post(path, json={}), 401, "not_signed_in")
        both = await browser.http.post(path, json={}, headers={"Authorization": f"Bearer {browser.token}"})
        assert_problem(both, 400, "malformed")


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"[]", "application/json", 400, "malformed"),
        (b'"x"', "application/json", 400, "malformed"),
        (b"{", "application/json", 400, "malformed"),
        (b'{"a":NaN}', "application/json", 400, "malformed"),
        (b"\xff", "application/json", 400, "malformed"),
        (b"[" * 100_000, "application/json", 400, "malformed"),
        (b"name=x", "application/x-www-form-urlencoded", 415, "wrong_media_type"),
        (b"{}", "text/plain", 415, "wrong_media_type"),
        (b'{"name":{"$ne":1}}', "application/json", 400, "invalid"),
        (b'{"name":"x","owner":1}', "application/json", 400, "invalid"),
        (b"{}", "application/json", 400, "invalid"),
        (b"", "", 400, "invalid"),
    ],
)
async def test_what_is_not_as_the_schema_says_is_never_a_200(
    ada: Member, body: bytes, kind: str, status: int, code: str
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for path in (f"{LONG}/rooms/create", "/api/v1.0/rooms/create"):
        assert_problem(await ada.http.post(path, content=body, headers=headers), status, code)


async def test_what_a_member_may_not_do_is_refused_here_too(ada: Member, bob: Member, node: Node) -> None:
    room_id = await ada.make_room(visibility="private")
    assert_problem(await bob.http.post(f"{LONG}/rooms/get", json={"room_id": room_id}), 404, "not_found")
    assert_problem(await bob.http.post(f"{LONG}/accounts/add", json={}), 403, "forbidden")
    async with token_of(ada, "messages.send") as http:
        assert_problem(await http.post(f"{LONG}/rooms/mine", json={}), 403, "insufficient_scope")
    await bob.http.delete("/api/v1.0/session")
    assert_problem(await bob.http.post(f"{LONG}/rooms/mine", json={}), 401, "not_signed_in")
    async with visiting(node) as http:
        assert_problem(await http.post(f"{LONG}/rooms/none", json={}), 401, "not_signed_in")


async def raw(http: httpx.AsyncClient, path: str, accepted: str) -> tuple[httpx.Response, bytes]:
    """An answer, and its body as it came."""
    async with http.stream("POST", path, json={}, headers={"Accept-Encoding": accepted}) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("x-gzip-not", False),
    ],
)
async def test_large_answers_are_packed_for_those_who_unpack_them(ada: Member, accepted: str, packed: bool) -> None:
    for number in range(12):
        await ada.make_room(f"Room {number}")
    answer, body = await raw(ada.http, f"{LONG}/rooms/mine", accepted)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert ("content-encoding" in answer.headers) == packed
    plain = gzip.decompress(body) if packed else body
    assert len(plain) > 1024
    assert plain.startswith(b'{"rooms":[{')
    if packed:
        assert len(body) < len(plain) / 2


async def test_small_answers_are_not_and_the_limit_is_the_operators(ada: Member, start: Start) -> None:
    answer, body = await raw(ada.http, f"{LONG}/rooms/mine", "gzip")
    assert "content-encoding" not in answer.headers
    assert body.startswith(b"{")
    async with start(compress_bytes=0) as node, enrol(node, "Eve") as eve:
        answer, body = await raw(eve.http, f"{LONG}/rooms/mine", "gzip")
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(body).startswith(b"{")
