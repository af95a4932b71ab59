"""Sessions: listed, ended, and never longer than they may be."""

import asyncio

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.actions import Call
from folkmoot.app import Node
from folkmoot.commands import OPERATOR
from folkmoot.database import Connection
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.sessions.tokens import hash_token
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.people import PASSWORD, Member, assert_problem, browsing, enrol, visiting

SESSION, SESSIONS = "/api/v1.0/session", "/api/v1.0/sessions"


async def sign_in_again(member: Member) -> str:
    """Another session of the member; returns its token."""
    async with visiting(member.node) as http:
        answer = await http.post("/api/v1.0/user/auth", json={"email": member.email, "password": PASSWORD})
        return str(answer.json()["data"]["access_token"])


async def is_signed_in(node: Node, token: str) -> bool:
    async with visiting(node, token) as http:
        answer = await http.get(SESSION)
    if answer.status_code != 200:
        assert_problem(answer, 401, "not_signed_in")
    return answer.status_code == 200


async def sessions_of(member: Member) -> list[dict[str, object]]:
    answer = await member.http.get(SESSIONS)
    assert answer.status_code == 200
    return list(answer.json()["sessions"])


async def forget_cached(redis: Redis, token: str) -> None:
    await redis.delete(f"folkmoot:session:{hash_token(token).hex()}")


async def test_a_member_sees_their_own_sessions_the_last_used_first(ada: Member, bob: Member) -> None:
    token = await sign_in_again(ada)
    assert await is_signed_in(ada.node, token)
    listed = await sessions_of(ada)
    assert len(listed) == 2
    assert [session["current"] for session in listed].count(True) == 1
    assert set(listed[0]) == {
        "id", "kind", "created_at", "used_at", "expires_at", "address", "user_agent", "made_with", "current",
    }  # fmt: skip
    assert listed == sorted(listed, key=lambda session: str(session["used_at"]), reverse=True)
    assert len(await sessions_of(bob)) == 1, "and nobody else's"


async def test_ending_another_session_of_mine_ends_it_at_once_and_leaves_this_one(ada: Member) -> None:
    token = await sign_in_again(ada)
    assert await is_signed_in(ada.node, token), "which also puts it into the cache"
    other = next(session["id"] for session in await sessions_of(ada) if not session["current"])
    assert (await ada.http.delete(f"{SESSIONS}/{other}")).status_code == 204
    assert not await is_signed_in(ada.node, token)
    assert len(await sessions_of(ada)) == 1
    assert_problem(await ada.http.delete(f"{SESSIONS}/{other}"), 404, "not_found")


async def test_somebody_elses_session_is_not_there(ada: Member, bob: Member) -> None:
    (his,) = await sessions_of(bob)
    refused = await ada.http.delete(f"{SESSIONS}/{his['id']}")
    nothing = await ada.http.delete(f"{SESSIONS}/9000000000000000000")
    same = {"request_id": ""}
    assert {**assert_problem(refused, 404, "not_found"), **same} == {**nothing.json(), **same}
    assert await is_signed_in(bob.node, bob.token)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1e3", "9223372036854775808", "1.0", "null", " 1"])
async def test_a_session_has_a_number(ada: Member, number: str) -> None:
    assert_problem(await ada.http.delete(f"{SESSIONS}/{number}"), 400, "invalid")


async def test_a_program_may_sign_itself_out(ada: Member) -> None:
    assert (await ada.http.delete(SESSION)).status_code == 204
    assert_problem(await ada.http.get(SESSION), 401, "not_signed_in")
    assert_problem(await ada.http.delete(SESSION), 401, "not_signed_in")


async def test_a_session_ends_on_every_node_at_once(ada: Member, start: Start) -> None:
    async with start() as other:
        assert await is_signed_in(other, ada.token), "now both nodes know it"
        assert (await ada.http.delete(SESSION)).status_code == 204
        assert not await is_signed_in(other, ada.token)


async def test_a_look_up_that_was_on_its_way_cannot_bring_an_ended_session_back(
    ada: Member, redis: Redis, database: Connection
) -> None:
    """The tombstone stands as long as a copy could live in the cache."""
    await is_signed_in(ada.node, ada.token)
    key = f"folkmoot:session:{hash_token(ada.token).hex()}"
    copy = await redis.get(key)
    assert copy is not None
    await ada.http.delete(SESSION)
    assert await redis.set(key, copy, nx=True) is None, "how the late look-up would write its copy"
    assert 50 < await redis.ttl(key) <= 60
    assert not await is_signed_in(ada.node, ada.token)


async def test_a_cached_session_lives_a_minute_at_most(ada: Member, redis: Redis) -> None:
    await is_signed_in(ada.node, ada.token)
    assert 0 < await redis.ttl(f"folkmoot:session:{hash_token(ada.token).hex()}") <= 60


@pytest.mark.parametrize(
    "passes",
    [
        "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = $1",
        "UPDATE sessions SET used_at = now() - make_interval(secs => idle_s + 1) WHERE user_id = $1",
    ],
    ids=["absolute", "idle"],
)
async def test_a_session_ends_when_its_time_is_over(
    ada: Member, database: Connection, redis: Redis, passes: str
) -> None:
    await database.execute(passes, ada.id)
    await forget_cached(redis, ada.token)
    assert not await is_signed_in(ada.node, ada.token)


async def test_the_end_of_a_session_holds_for_its_cached_copy_too(ada: Member, database: Connection) -> None:
    await database.execute("UPDATE sessions SET expires_at = now() + interval '0.3 s' WHERE user_id = $1", ada.id)
    assert await is_signed_in(ada.node, ada.token)
    await asyncio.sleep(0.4)
    assert not await is_signed_in(ada.node, ada.token)


async def test_use_keeps_an_idle_session_alive(ada: Member, database: Connection, redis: Redis) -> None:
    await database.execute("UPDATE sessions SET used_at = now() - interval '13 days' WHERE user_id = $1", ada.id)
    assert await is_signed_in(ada.node, ada.token)
    assert await database.fetchval(
        "SELECT now() - used_at < interval '1 minute' FROM sessions WHERE user_id=$1", ada.id
    )


async def test_sessions_that_have_ended_are_not_listed(ada: Member, database: Connection) -> None:
    token_hash = hash_token(await sign_in_again(ada))
    await database.execute("UPDATE sessions SET expires_at = now() WHERE token_hash = $1", token_hash)
    assert [session["current"] for session in await sessions_of(ada)] == [True]


async def test_an_admins_session_is_shorter(node: Node, admin: Member, ada: Member, database: Connection) -> None:
    ends = "SELECT extract(epoch FROM expires_at - created_at)::int FROM sessions WHERE user_id = $1"
    assert await database.fetchval(ends, admin.id) == 86_400
    assert await database.fetchval(ends, ada.id) == 30 * 86_400


async def test_past_the_cap_the_session_used_longest_ago_ends(start: Start) -> None:
    async with start(sessions_per_user=3) as node, enrol(node, "Cap") as member:
        tokens = [member.token] + [await sign_in_again(member) for _ in range(2)]
        assert all([await is_signed_in(node, token) for token in tokens])
        tokens.append(await sign_in_again(member))
        assert [await is_signed_in(node, token) for token in tokens] == [False, True, True, True]


@pytest.mark.parametrize("how", ["disable", "set_password"])
async def test_shutting_an_account_or_changing_its_password_ends_every_session(
    node: Node, ada: Member, bob: Member, how: str
) -> None:
    tokens = [ada.token, await sign_in_again(ada)]
    assert all([await is_signed_in(node, token) for token in tokens])
    given = {"user_id": ada.id} | ({"password": "another one entirely"} if how == "set_password" else {})
    await getattr(accounts, how).perform(Call(node.core, OPERATOR), given)
    assert not any([await is_signed_in(node, token) for token in tokens])
    assert await is_signed_in(node, bob.token)


async def test_losing_everything_in_redis_signs_nobody_out(ada: Member, redis: Redis) -> None:
    async with browsing(ada.node) as browser:
        await browser.sign_in(ada.email)
        await redis.flushall()
        assert (await browser.http.get(SESSION)).status_code == 200
    assert await is_signed_in(ada.node, ada.token)


async def test_without_redis_sessions_begin_hold_and_end(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with start(redis_url=url) as node, enrol(node, "Eve") as eve:
        assert await is_signed_in(node, eve.token)
        await relay.cut()
        assert await is_signed_in(node, eve.token)
        another = await sign_in_again(eve)
        assert await is_signed_in(node, another)
        assert (await eve.http.delete(SESSION)).status_code == 204
        assert not await is_signed_in(node, eve.token)
        assert await is_signed_in(node, another)


async def test_a_ticket_is_for_one_session_and_cannot_be_used_as_a_token(ada: Member) -> None:
    answer = await ada.http.post("/api/v1.0/tickets")
    assert answer.status_code == 200
    assert answer.json()["expires_in_s"] == 30
    assert not await is_signed_in(ada.node, answer.json()["ticket"])


async def test_without_redis_a_ticket_is_refused_as_temporary(
    start: Start, redis_relay: tuple[Proxy, SecretStr]
) -> None:
    relay, url = redis_relay
    async with start(redis_url=url) as node, enrol(node, "Eve") as eve:
        await relay.cut()
        assert_problem(await eve.http.post("/api/v1.0/tickets"), 503, "unavailable")


async def test_the_last_admin_cannot_be_disabled_and_whoever_is_can_be_enabled_again(node: Node) -> None:
    async with enrol(node, "Root", role="admin") as root, enrol(node, "Ada") as ada:
        address = f"/api/v1.0/accounts/{ada.id}"
        assert (await root.http.post(f"{address}/disable")).status_code == 204
        given = {"email": ada.email, "password": PASSWORD}
        assert_problem(await root.http.post("/api/v1.0/user/auth", json=given), 401, "wrong_credentials")
        assert (await root.http.post(f"{address}/enable")).status_code == 204
        assert (await root.http.post("/api/v1.0/user/auth", json=given)).status_code == 200
        assert_problem(await ada.http.post(f"{address}/enable"), 401, "not_signed_in")
        everybody = (await root.http.get("/api/v1.0/accounts")).json()["accounts"]
        for other in everybody:
            if other["role"] == "admin" and other["id"] != root.id:
                await root.http.post(f"/api/v1.0/accounts/{other['id']}/disable")
        assert_problem(await root.http.post(f"/api/v1.0/accounts/{root.id}/disable"), 409, "conflict")


@pytest.mark.parametrize("address", ["/api/v1.0/session", "/api/v1.0/user/auth"])
async def test_nobody_is_signed_in_by_a_page_we_do_not_know(
    visitor: httpx.AsyncClient, ada: Member, address: str
) -> None:
    given = {"email": ada.email, "password": PASSWORD}
    answer = await visitor.post(address, json=given, headers={"Origin": "https://evil.example"})
    assert "FOLKMOOT_ORIGINS" in assert_problem(answer, 403, "forbidden")["detail"]
    assert "set-cookie" not in answer.headers
