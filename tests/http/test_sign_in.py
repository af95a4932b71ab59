"""POST /user/auth: the answers that programs rely on, to the letter."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from folkmoot.settings import Settings
from tests.conftest import Start
from tests.people import PASSWORD, Member, assert_problem, visiting

AUTH = ("/v1.0/user/auth", "/api/v1.0/user/auth", "/v1.0/user/auth/", "/api/v1.0/user/auth/")
MISSING = ["Missing data for required field."]
NO_EMAIL = ["Not a valid email address."]
TOO_SHORT = ["Shorter than minimum length 4."]


@pytest.mark.parametrize("path", AUTH)
async def test_the_right_password_gives_a_token(visitor: httpx.AsyncClient, ada: Member, path: str) -> None:
    answer = await visitor.post(path, json={"email": ada.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    token = answer.json()["data"]["access_token"]
    assert answer.json() == {"valid": True, "data": {"access_token": token}}
    who = await visitor.get("/api/v1.0/session", headers={"Authorization": f"Bearer {token}"})
    assert who.json()["user"] == {"id": ada.id, "email": ada.email, "name": "Ada", "role": "member"}


async def test_every_sign_in_gives_another_token(visitor: httpx.AsyncClient, ada: Member) -> None:
    given = {"email": ada.email, "password": PASSWORD}
    tokens = {(await visitor.post(AUTH[0], json=given)).json()["data"]["access_token"] for _ in range(4)}
    assert len(tokens) == 4
    assert all(len(token) >= 43 for token in tokens), "256 bits"


@pytest.mark.parametrize(
    "more",
    [
        {"username": "{email}"},
        {"email": "{email}", "username": "ignored@example.org"},
        {"email": "{email}", "remember": True, "nested": {"deep": [1]}},
        {"email": "{EMAIL}"},
    ],
)
async def test_username_will_do_and_what_else_is_sent_along_is_ignored(
    visitor: httpx.AsyncClient, ada: Member, more: dict[str, Any]
) -> None:
    given = json.loads(json.dumps(more).replace("{email}", ada.email).replace("{EMAIL}", ada.email.upper()))
    answer = await visitor.post(AUTH[1], json={**given, "password": PASSWORD})
    assert answer.json()["valid"] is True


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"email": MISSING, "password": MISSING}),
        ({"email": "ada@example.org"}, {"password": MISSING}),
        ({"password": PASSWORD}, {"email": MISSING}),
        ({"email": "nonsense", "password": "abc"}, {"email": NO_EMAIL, "password": TOO_SHORT}),
        ({"email": "", "password": ""}, {"email": NO_EMAIL, "password": TOO_SHORT}),
        ({"username": "nonsense", "password": PASSWORD}, {"email": NO_EMAIL}),
        ({"email": "a@b\x00.org", "password": PASSWORD}, {"email": ["Must not contain NUL or half of a character."]}),
        ({"email": {"$ne": None}, "password": PASSWORD}, {"email": ["Not a valid string."]}),
        (
            {"email": ["ada@example.org"], "password": 1234},
            {key: ["Not a valid string."] for key in ("email", "password")},
        ),
        ({"email": None, "password": None}, {key: ["Not a valid string."] for key in ("email", "password")}),
        ({"email": f"{'a' * 60}@b.org", "password": PASSWORD}, {"email": ["Longer than maximum length 64."]}),
        ({"email": "ada@example.org", "password": "x" * 257}, {"password": ["Longer than maximum length 256."]}),
    ],
)
async def test_every_mistake_of_the_form_is_named_at_once(
    visitor: httpx.AsyncClient, given: dict[str, Any], fields: dict[str, list[str]]
) -> None:
    answer = await visitor.post(AUTH[1], json=given)
    problem = assert_problem(answer, 400, "invalid")
    assert problem["valid"] is False
    assert problem["data"] == problem["errors"] == fields


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b'{"email": ', "application/json", 400, "malformed"),
        (b"[]", "application/json", 400, "malformed"),
        (b"null", "application/json", 400, "malformed"),
        (b"\xff\xfe", "application/json", 400, "malformed"),
        (b'{"email": "\\ud800"}', "application/json", 400, "malformed"),
        (b"[" * 10_000 + b"]" * 10_000, "application/json", 400, "malformed"),
        (b'{"email":' * 10_000 + b"1" + b"}" * 10_000, "application/json", 400, "malformed"),
        (b"email=ada%40example.org&password=x", "application/x-www-form-urlencoded", 415, "wrong_media_type"),
        (b'{"email": "a@b.org", "password": "abcd"}', "text/plain", 415, "wrong_media_type"),
        (b'{"email": "a@b.org", "password": "abcd"}', "", 415, "wrong_media_type"),
        (b"", "application/json", 400, "invalid"),
        (b"", "", 400, "invalid"),
    ],
)
async def test_what_cannot_be_read_is_a_problem_that_says_so(
    visitor: httpx.AsyncClient, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await visitor.post(AUTH[1], content=body, headers=headers)
    problem = assert_problem(answer, status, code)
    assert problem["valid"] is False
    assert problem["data"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"]
)
async def test_json_may_name_its_charset(visitor: httpx.AsyncClient, ada: Member, content_type: str) -> None:
    body = json.dumps({"email": ada.email, "password": PASSWORD}).encode()
    answer = await visitor.post(AUTH[1], content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 200


async def test_a_wrong_password_and_an_unknown_account_get_the_same_answer(
    visitor: httpx.AsyncClient, ada: Member
) -> None:
    wrong = await visitor.post(AUTH[1], json={"email": ada.email, "password": "not hers at all"})
    nobody = await visitor.post(AUTH[1], json={"email": "nobody@example.org", "password": "not hers at all"})
    for answer in (wrong, nobody):
        problem = assert_problem(answer, 401, "wrong_credentials")
        assert (problem["valid"], problem["data"]) == (False, "Wrong email or password")
    strip = {"request_id": ""}
    assert {**wrong.json(), **strip} == {**nobody.json(), **strip}
    assert set(wrong.headers) == set(nobody.headers)


@pytest.mark.parametrize(
    "password", ["correct horse batterY", "correct horse battery ", " correct horse battery", "corr"]
)
async def test_only_the_whole_password_will_do(visitor: httpx.AsyncClient, ada: Member, password: str) -> None:
    assert_problem(
        await visitor.post(AUTH[1], json={"email": ada.email, "password": password}), 401, "wrong_credentials"
    )


@pytest.mark.parametrize("path", AUTH)
async def test_the_address_says_hello(visitor: httpx.AsyncClient, path: str) -> None:
    assert (await visitor.get(path)).json() == {"hello": "world"}


async def test_the_root_of_the_api_says_hello(visitor: httpx.AsyncClient) -> None:
    for path in ("/", "/api", "/api/"):
        assert (await visitor.get(path)).json() == {"hello": "world!"}


async def test_a_disabled_account_is_told_nothing_more_than_a_stranger(
    visitor: httpx.AsyncClient, ada: Member, admin: Member
) -> None:
    assert (await admin.http.post(f"/api/v1.0/accounts/{ada.id}/disable")).status_code == 204
    answer = await visitor.post(AUTH[1], json={"email": ada.email, "password": PASSWORD})
    problem = assert_problem(answer, 401, "wrong_credentials")
    assert problem["detail"] == "Wrong email or password"


async def test_a_password_of_any_language_works_and_is_never_cut(
    visitor: httpx.AsyncClient, ada: Member, admin: Member
) -> None:
    password = "Ünïcödé 🗝️ " + "長" * 240
    answer = await admin.http.put(f"/api/v1.0/accounts/{ada.id}/password", json={"password": password})
    assert answer.status_code == 204
    signed_in = await visitor.post(AUTH[1], json={"email": ada.email, "password": password})
    assert signed_in.status_code == 200
    shorter = await visitor.post(AUTH[1], json={"email": ada.email, "password": password[:-1]})
    assert_problem(shorter, 401, "wrong_credentials")


async def test_a_flood_of_sign_ins_is_refused_before_it_fills_the_queue(
    start: Start, settings: Settings, ada: Member
) -> None:
    async with start(hash_workers=1, hash_queue=1) as node, visiting(node) as http:
        given = {"email": ada.email, "password": "not hers at all"}
        answers = [http.post(AUTH[1], json=given) for _ in range(12)]
        refused = [answer for answer in await asyncio.gather(*answers) if answer.status_code == 503]
        assert refused
        for answer in refused:
            assert_problem(answer, 503, "busy")
            assert int(answer.headers["retry-after"]) >= 1
