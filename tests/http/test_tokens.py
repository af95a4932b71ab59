"""Access tokens: they do what their scopes name, until they end, and make no others."""

from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from folkmoot.database import Connection
from folkmoot.modules.sessions.tokens import can_be_token, hash_token, new_marked_token
from tests.conftest import Start
from tests.people import Member, assert_problem, enrol, token_of, visiting
from tests.realtime.wire import Wire, wired

TOKENS = "/api/v1.0/tokens"


def bearer(http: httpx.AsyncClient) -> str:
    return http.headers["authorization"].removeprefix("Bearer ")


def a_message() -> dict[str, str]:
    return {"body": "From a program", "client_id": str(uuid4())}


async def test_a_token_is_shown_once_and_kept_as_a_hash(ada: Member, database: Connection) -> None:
    answer = await ada.http.post(TOKENS, json={"name": "Weather", "scopes": ["messages", "rooms.mine"], "days": 7})
    assert answer.status_code == 201
    token, about = answer.json()["token"], answer.json()["about"]
    assert token.startswith("fmt_")
    assert about["scopes"] == ["messages", "rooms.mine"]
    listed = await ada.http.get(TOKENS)
    assert token not in listed.text
    assert [entry["id"] for entry in listed.json()["tokens"]] == [about["id"]]
    assert listed.json()["tokens"][0]["used_at"] is None
    row = await database.fetchrow("SELECT * FROM sessions WHERE token_hash = $1", hash_token(token))
    assert row is not None
    assert (row["kind"], row["name"]) == ("token", "Weather")
    assert 6 < (row["expires_at"] - row["created_at"]).total_seconds() / 86_400 <= 7


async def test_a_token_does_what_its_scopes_name_and_nothing_else(ada: Member) -> None:
    room_id = await ada.make_room()
    async with token_of(ada, "messages.send") as http:
        said = await http.post(f"/api/v1.0/rooms/{room_id}/messages", json=a_message())
        assert said.status_code == 201
        assert said.json()["author"]["id"] == ada.id
        for refused in (
            await http.get(f"/api/v1.0/rooms/{room_id}/events"),
            await http.get("/api/v1.0/rooms"),
            await http.get("/api/v1.0/session"),
            await http.delete("/api/v1.0/session"),
        ):
            assert_problem(refused, 403, "insufficient_scope")
    async with token_of(ada, "messages") as http:
        assert (await http.get(f"/api/v1.0/rooms/{room_id}/events")).status_code == 200
        assert_problem(await http.get("/api/v1.0/rooms"), 403, "insufficient_scope")


async def test_a_token_for_all_may_do_what_its_owner_may_but_make_or_end_tokens(ada: Member) -> None:
    async with token_of(ada, "all") as http:
        assert (await http.get("/api/v1.0/rooms")).status_code == 200
        tokens = (await http.get(TOKENS)).json()["tokens"]
        assert_problem(await http.post(TOKENS, json={"name": "x", "scopes": ["all"]}), 403, "insufficient_scope")
        assert_problem(await http.delete(f"{TOKENS}/{tokens[0]['id']}"), 403, "insufficient_scope")
        assert_problem(await http.get("/api/v1.0/accounts"), 403, "forbidden")


async def test_an_admin_s_token_without_the_scope_is_no_admin(admin: Member) -> None:
    async with token_of(admin, "rooms") as http:
        assert_problem(await http.get("/api/v1.0/accounts"), 403, "insufficient_scope")
    async with token_of(admin, "accounts") as http:
        assert (await http.get("/api/v1.0/accounts")).status_code == 200


async def test_on_a_socket_a_token_has_the_same_scopes(ada: Member) -> None:
    room_id = await ada.make_room()
    async with token_of(ada, "messages.history") as reading, wired(ada.node.port, bearer(reading)) as wire:
        await ada.say(room_id, "Hello")
        await wire.hears(lambda: wire.offsets(room_id))
        assert await wire.refused("publish", channel=f"room:{room_id}", data=a_message()) == 103
        assert await wire.refused("publish", channel=f"typing:{room_id}", data={}) == 103
        assert await wire.refused("rpc", method="rooms.mine", data={}) == 103
    async with token_of(ada, "messages.send") as writing:
        wire = await Wire.open(ada.node.port)
        assert await wire.refused("connect", token=bearer(writing)) == 103, "all rooms are heard on a socket"
        await wire.leave()


async def test_an_ended_token_closes_its_sockets_and_is_forgotten_at_once(ada: Member, start: Start) -> None:
    async with (
        start() as other,
        token_of(ada, "all") as http,
        visiting(other, bearer(http)) as elsewhere,
        wired(other.port, bearer(http)) as wire,
    ):
        assert (await elsewhere.get("/api/v1.0/rooms")).status_code == 200
        (token,) = (await ada.http.get(TOKENS)).json()["tokens"]
        assert (await ada.http.delete(f"{TOKENS}/{token['id']}")).status_code == 204
        await wire.socket.wait_closed()
        for client in (http, elsewhere):
            assert_problem(await client.get("/api/v1.0/rooms"), 401, "not_signed_in")
        assert_problem(await ada.http.delete(f"{TOKENS}/{token['id']}"), 404, "not_found")


async def test_a_token_ends_when_it_said_it_would(ada: Member, database: Connection, redis: Redis) -> None:
    async with token_of(ada, "all") as http:
        assert (await http.get("/api/v1.0/rooms")).status_code == 200
        token_hash = hash_token(bearer(http))
        await database.execute("UPDATE sessions SET expires_at = now() WHERE token_hash = $1", token_hash)
        await redis.delete(f"folkmoot:session:{token_hash.hex()}")
        assert_problem(await http.get("/api/v1.0/rooms"), 401, "not_signed_in")
        assert (await ada.http.get(TOKENS)).json()["tokens"] == []


async def test_tokens_are_their_owner_s_alone(ada: Member, stranger: Member) -> None:
    async with token_of(ada, "all"):
        (token,) = (await ada.http.get(TOKENS)).json()["tokens"]
        assert (await stranger.http.get(TOKENS)).json()["tokens"] == []
        assert_problem(await stranger.http.delete(f"{TOKENS}/{token['id']}"), 404, "not_found")


async def test_tokens_and_sign_ins_do_not_count_as_each_other(ada: Member, start: Start) -> None:
    async with (
        start(sessions_per_user=1, tokens_per_user=1) as small,
        enrol(small, "Eve") as eve,
        token_of(eve, "all") as http,
    ):
        full = await eve.http.post(TOKENS, json={"name": "Another", "scopes": ["all"]})
        assert_problem(full, 409, "conflict")
        assert [entry["kind"] for entry in (await http.get("/api/v1.0/sessions")).json()["sessions"]] == ["program"]
        assert (await http.get("/api/v1.0/session")).json()["session"]["kind"] == "token"


async def test_another_password_ends_tokens_too(admin: Member, ada: Member) -> None:
    async with token_of(ada, "all") as http:
        given = {"password": "another one of hers"}
        changed = await admin.http.put(f"/api/v1.0/accounts/{ada.id}/password", json=given)
        assert changed.status_code == 204
        assert_problem(await http.get("/api/v1.0/rooms"), 401, "not_signed_in")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": " ", "scopes": ["all"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes"),
        ({"name": "x", "scopes": ["messages.shout"]}, "scopes"),
        ({"name": "x", "scopes": ["accounts.sign_in"]}, "scopes"),
        ({"name": "x", "scopes": ["ALL"]}, "scopes.0"),
        ({"name": "x", "scopes": ["all"], "days": 0}, "days"),
        ({"name": "x", "scopes": ["all"], "days": 367}, "days"),
        ({"name": "x", "scopes": ["all"], "user_id": 1}, "user_id"),
    ],
)
async def test_what_is_no_token_is_refused_by_field(ada: Member, given: dict[str, object], field: str) -> None:
    problem = assert_problem(await ada.http.post(TOKENS, json=given), 400, "invalid")
    assert field in problem["errors"]


def test_a_mistyped_token_is_known_without_asking_anybody() -> None:
    token = new_marked_token()
    assert can_be_token(token)
    for wrong in (token[:-1], token + "0", token[:-1] + ("0" if token[-1] != "0" else "1"), "fmt_", "fmt_00000000"):
        assert not can_be_token(wrong), wrong
    other = "a" if token[10] != "a" else "b"
    assert not can_be_token(token[:10] + other + token[11:])
