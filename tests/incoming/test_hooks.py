"""Hooks over HTTP: made by admins, shown once, posted to by anything that knows the address."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from prometheus_client import REGISTRY

from folkmoot.app import Node
from tests.conftest import Start
from tests.http.test_request_log import Lines
from tests.http.test_request_log import lines as lines  # the fixture
from tests.people import Member, assert_problem, token_of, visiting


@pytest.fixture
async def room(admin: Member) -> int:
    return await admin.make_room("Alerts", "private")


class Hook:
    def __init__(self, made: dict[str, Any]) -> None:
        self.id = made["hook"]["id"]
        self.bot = made["hook"]["bot"]
        self.address: str = made["address"]
        self.path = urlsplit(self.address).path
        self.token = self.path.rpartition("/")[2]


async def make(admin: Member, room: int, name: str = "Grafana") -> Hook:
    answer = await admin.http.post("/api/v1.0/incoming-hooks", json={"room_id": room, "name": name})
    assert answer.status_code == 201, answer.text
    return Hook(answer.json())


@pytest.fixture
async def hook(admin: Member, room: int) -> Hook:
    return await make(admin, room)


@pytest.fixture
async def program(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """A program that knows an address and nothing else."""
    async with visiting(node) as http:
        yield http


async def said(admin: Member, room: int) -> list[dict[str, Any]]:
    events = await admin.events(room)
    return [event for event in events if event["kind"] == "message"]


async def bodies(admin: Member, room: int) -> list[str]:
    return [event["body"] for event in await said(admin, room)]


async def listed(admin: Member, hook: Hook) -> dict[str, Any] | None:
    hooks = (await admin.http.get("/api/v1.0/incoming-hooks")).json()["hooks"]
    return next((each for each in hooks if each["id"] == hook.id), None)


async def test_a_hook_posts_as_a_bot_of_its_own(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    assert hook.address.startswith("http://folkmoot.test/api/v1.0/hooks/fmh_")
    answer = await program.post(hook.path, json={"body": "**Disk** full"})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["content-type"].startswith("text/plain")
    (event,) = await said(admin, room)
    assert event["author"] == hook.bot == {"id": hook.bot["id"], "name": "Grafana"}
    assert event["body"] == "**Disk** full"
    kinds = [each["kind"] for each in await admin.events(room)]
    assert kinds == ["created", "joined", "message"]
    bots = (await admin.http.get("/api/v1.0/bots")).json()["bots"]
    assert hook.bot["id"] in {bot["id"] for bot in bots}


async def test_everything_that_speaks_to_slack_can_post(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    text = json.dumps({"text": "*a* & <https://e.org|b>", "username": "x", "icon_emoji": ":x:", "channel": "#y"})
    form = "application/x-www-form-urlencoded"
    for kind, content in (
        ("application/json", text),
        ("application/json; charset=utf-8", text),
        (form, urlencode({"payload": text})),
        (form, urlencode({"payload": text, "other": "1"})),
        (form, text),  # curl -d without a header
    ):
        answer = await program.post(hook.path, content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.text) == (200, "ok"), (kind, answer.text)
    without_prefix = hook.path.removeprefix("/api")
    assert (await program.post(without_prefix, content=text, headers={"Content-Type": form})).text == "ok"
    assert await bodies(admin, room) == ["**a** & [b](<https://e.org>)"] * 6


@pytest.mark.parametrize(
    ("kind", "content", "status", "code"),
    [
        ("application/json", "{", 400, "malformed"),
        ("application/json", "[]", 400, "malformed"),
        ("application/json", "", 400, "malformed"),
        ("application/json", "{}", 400, "invalid"),
        ("application/json", '{"body": " \\n"}', 400, "invalid"),
        ("application/json", '{"text": ["x"]}', 400, "invalid"),
        ("application/json", '{"a":' * 5_000, 400, "malformed"),
        ("application/json", b'{"text": "\xff"}', 400, "malformed"),
        ("application/x-www-form-urlencoded", "text=hello", 400, "malformed"),
        ("application/x-www-form-urlencoded", "payload=%7B%7D&payload=%7B%7D", 400, "malformed"),
        ("application/x-www-form-urlencoded", "payload=hello", 400, "malformed"),
        ("application/x-www-form-urlencoded", "&".join("abcdefghijklmnopqrstuvwxyz"), 400, "malformed"),
        ("application/x-www-form-urlencoded", "=1&".join("abcdefghijklmnopqrstuvwxyz"), 400, "malformed"),
        ("text/plain", "hello", 415, "wrong_media_type"),
        ("", "hello", 415, "wrong_media_type"),
        ("application/json", '{"body": "' + "x" * 300_000 + '"}', 413, "too_large"),
    ],
)
async def test_what_is_malformed_is_refused_in_the_one_shape(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient, kind: str, content: Any, status: int, code: str
) -> None:
    answer = await program.post(hook.path, content=content, headers={"Content-Type": kind})
    assert_problem(answer, status, code)
    assert await said(admin, room) == []


async def test_an_address_that_leads_nowhere_is_not_found(hook: Hook, program: httpx.AsyncClient) -> None:
    for token in ("x", "fmh_", hook.token[:-1], hook.token + "x", "fmt" + hook.token[3:], hook.token.swapcase(), "%00"):
        answer = await program.post(f"/api/v1.0/hooks/{token}", json={"body": "x"})
        assert_problem(answer, 404, "not_found")
    answer = await program.get(hook.path)
    assert_problem(answer, 405, "method_not_allowed")


async def test_what_is_posted_is_counted_by_how_it_ended(hook: Hook, program: httpx.AsyncClient) -> None:
    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("folkmoot_incoming_posts_total", {"outcome": outcome}) or 0

    before = counted("ok"), counted("not_found")
    await program.post(hook.path, json={"body": "x"})
    await program.post(f"{hook.path}x", json={"body": "x"})
    assert (counted("ok"), counted("not_found")) == (before[0] + 1, before[1] + 1)


async def test_a_token_of_a_hook_opens_nothing_else(node: Node, hook: Hook) -> None:
    async with visiting(node, hook.token) as http:
        assert_problem(await http.get("/api/v1.0/rooms"), 401, "not_signed_in")


async def test_a_hook_that_is_taken_away_posts_no_more(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    await program.post(hook.path, json={"body": "before"})
    assert (await admin.http.delete(f"/api/v1.0/incoming-hooks/{hook.id}")).status_code == 204
    assert_problem(await program.post(hook.path, json={"body": "after"}), 404, "not_found")
    assert await bodies(admin, room) == ["before"]
    assert await listed(admin, hook) is None
    members = (await admin.http.get(f"/api/v1.0/rooms/{room}/members")).json()["members"]
    assert [each["person"]["id"] for each in members] == [admin.id]
    people = (await admin.http.get("/api/v1.0/people")).json()["people"]
    assert hook.bot["id"] not in {each["id"] for each in people}
    assert_problem(await admin.http.delete(f"/api/v1.0/incoming-hooks/{hook.id}"), 404, "not_found")


async def test_a_hook_whose_bot_is_disabled_posts_no_more(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    await admin.http.post(f"/api/v1.0/accounts/{hook.bot['id']}/disable")
    assert_problem(await program.post(hook.path, json={"body": "x"}), 404, "not_found")


async def test_the_list_says_who_made_it_and_when_it_was_used_and_not_the_address(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    before = await listed(admin, hook)
    assert before
    assert (before["room"], before["room_id"], before["used_at"]) == ("Alerts", room, None)
    assert before["made_by"] == {"id": admin.id, "name": "Root"}
    await program.post(hook.path, json={"body": "x"})
    after = await listed(admin, hook)
    assert after
    assert after["used_at"] is not None
    assert hook.token not in (await admin.http.get("/api/v1.0/incoming-hooks")).text


async def test_only_a_hash_of_the_token_is_stored(hook: Hook, database: Any) -> None:
    rows = await database.fetch("SELECT h::text AS whole FROM incoming_hooks h WHERE id = $1", hook.id)
    assert len(rows) == 1
    assert hook.token not in rows[0]["whole"]
    assert hook.token.encode().hex() not in rows[0]["whole"]


async def test_the_same_key_is_the_same_message(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    async def post(body: str, key: str) -> httpx.Response:
        return await program.post(hook.path, json={"body": body}, headers={"Idempotency-Key": key})

    answers = await asyncio.gather(*(post("once", "build 7") for _ in range(5)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "ok")}
    await post("another", "build 8")
    other = await make(admin, room, "CI")
    await program.post(other.path, json={"body": "other hook"}, headers={"Idempotency-Key": "build 7"})
    assert await bodies(admin, room) == ["once", "another", "other hook"]
    for key in ("", "x" * 256):
        assert_problem(await post("x", key), 400, "invalid")


async def test_a_long_message_is_cut_and_not_lost(
    admin: Member, room: int, hook: Hook, program: httpx.AsyncClient
) -> None:
    await program.post(hook.path, json={"text": "x" * 12_000})
    (body,) = await bodies(admin, room)
    assert body.endswith("…\n\n(cut: there were 12000 characters)")
    assert body.startswith("x" * 10_000 + "…")


async def test_a_hook_may_post_only_so_often(admin: Member, room: int, start: Start) -> None:
    async with start(hook_per_minute=2) as node, visiting(node) as program:
        one, other = await make(admin, room), await make(admin, room)
        for _ in range(2):
            assert (await program.post(one.path, json={"body": "x"})).status_code == 200
        answer = await program.post(one.path, json={"body": "x"})
        assert_problem(answer, 429, "too_many")
        assert 0 < int(answer.headers["Retry-After"]) <= 61
        assert (await program.post(other.path, json={"body": "x"})).status_code == 200


async def test_a_room_has_only_so_many(admin: Member, room: int, start: Start) -> None:
    async with start(hooks_per_room=1) as node, visiting(node, admin.token) as http:
        given = {"room_id": room, "name": "x"}
        assert (await http.post("/v1.0/incoming-hooks", json=given)).status_code == 201
        assert_problem(await http.post("/v1.0/incoming-hooks", json=given), 409, "conflict")


async def test_members_make_see_and_take_away_none(ada: Member, hook: Hook) -> None:
    room = await ada.make_room()
    given = {"room_id": room, "name": "Mine"}
    assert_problem(await ada.http.post("/api/v1.0/incoming-hooks", json=given), 403, "forbidden")
    assert_problem(await ada.http.get("/api/v1.0/incoming-hooks"), 403, "forbidden")
    assert_problem(await ada.http.delete(f"/api/v1.0/incoming-hooks/{hook.id}"), 403, "forbidden")


async def test_an_admin_makes_none_into_a_room_of_others(ada: Member, admin: Member) -> None:
    room = await ada.make_room(visibility="private")
    answer = await admin.http.post("/api/v1.0/incoming-hooks", json={"room_id": room, "name": "Ear"})
    assert_problem(answer, 404, "not_found")
    members = (await ada.http.get(f"/api/v1.0/rooms/{room}/members")).json()["members"]
    assert len(members) == 1


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb", 7, None])
async def test_a_hook_needs_a_name(admin: Member, room: int, name: object) -> None:
    answer = await admin.http.post("/api/v1.0/incoming-hooks", json={"room_id": room, "name": name})
    assert list(assert_problem(answer, 400, "invalid")["errors"]) == ["name"]


async def test_a_token_makes_hooks_only_if_it_was_made_for_that(admin: Member, room: int) -> None:
    given = {"room_id": room, "name": "x"}
    async with token_of(admin, "messages") as other, token_of(admin, "incoming") as right:
        assert_problem(await other.post("/api/v1.0/incoming-hooks", json=given), 403, "insufficient_scope")
        assert (await right.post("/api/v1.0/incoming-hooks", json=given)).status_code == 201


async def test_no_line_of_the_log_holds_the_token(hook: Hook, program: httpx.AsyncClient, lines: Lines) -> None:
    await program.post(hook.path, json={"body": "x"})
    await program.post(hook.path.removeprefix("/api"), json={"body": "x"})
    await program.post(hook.path, content="{", headers={"Content-Type": "application/json"})
    for path in (f"{hook.path}/", f"{hook.path}/github", f"/nope{hook.path}", f"{hook.path}?x={hook.token}"):
        await program.post(path, json={"body": "x"})
        await program.get(path)
    logged = lines.read()
    assert logged.count("duration") >= 11, "for this test to mean anything, requests must be logged"
    for part in (hook.token, hook.token[4:], hook.token[4:24]):
        assert part not in logged


async def test_no_answer_tells_a_cookie_or_takes_one(admin: Member, room: int, hook: Hook, node: Node) -> None:
    """The address alone says who posts: a browser that is made to post there sends nothing that helps or hinders."""
    async with visiting(node, admin.token) as http:
        headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site", "Cookie": "sid=x"}
        answer = await http.post(hook.path, json={"body": "x"}, headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert (await said(admin, room))[0]["author"]["id"] == hook.bot["id"]
