"""Ending one's sign-ins, one of them or all others: by whom, which, and which not."""

import httpx
import pytest

from folkmoot.app import Node
from tests.http.test_sessions import is_signed_in, sessions_of, sign_in_again
from tests.people import Browser, Member, assert_problem, enrol_bot, token_of, visiting
from tests.realtime.wire import wired

ALL = "/api/v1.0/sessions"


async def id_of_this(http: httpx.AsyncClient) -> int:
    return int((await http.get("/api/v1.0/session")).json()["session"]["id"])


async def session_id(node: Node, token: str) -> int:
    async with visiting(node, token) as http:
        return await id_of_this(http)


# -- all others


async def test_a_member_ends_all_others_with_their_sockets_and_keeps_this_one(ada: Member, bob: Member) -> None:
    others = [await sign_in_again(ada) for _ in range(3)]
    async with wired(ada.node.port, others[0]) as theirs, wired(ada.node.port, ada.token) as mine:
        assert (await ada.http.delete(ALL)).status_code == 204
        assert await theirs.expect_close() == 3503
        assert "rooms" in await mine.rpc("rooms.mine")
    assert [await is_signed_in(ada.node, token) for token in others] == [False] * 3
    assert await is_signed_in(ada.node, ada.token)
    assert await is_signed_in(bob.node, bob.token), "nobody else's"
    assert len(await sessions_of(ada)) == 1
    assert (await ada.http.delete(ALL)).status_code == 204, "there are none, which is as it should be"


async def test_tokens_of_programs_hold(ada: Member) -> None:
    async with token_of(ada, "rooms") as program:
        assert (await ada.http.delete(ALL)).status_code == 204
        assert (await program.get("/api/v1.0/rooms")).status_code == 200


async def test_a_browser_ends_all_others_by_its_cookie(browser: Browser, ada: Member) -> None:
    assert (await browser.http.delete(ALL)).status_code == 204
    assert not await is_signed_in(ada.node, ada.token)
    assert (await browser.http.get("/api/v1.0/session")).status_code == 200


async def test_a_visitor_ends_none(visitor: httpx.AsyncClient, ada: Member) -> None:
    assert_problem(await visitor.delete(ALL), 401, "not_signed_in")
    assert await is_signed_in(ada.node, ada.token)


async def test_another_page_ends_none(browser: Browser, ada: Member) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await browser.http.delete(ALL, headers=headers)).status_code == 403
    assert await is_signed_in(ada.node, ada.token)


async def test_a_token_ends_none_whatever_its_scopes(admin: Member) -> None:
    async with token_of(admin, "all") as program, enrol_bot(admin, "Robot") as bot:
        for http in (program, bot.http):
            assert_problem(await http.delete(ALL), 403, "insufficient_scope")
    assert await is_signed_in(admin.node, admin.token)


async def test_who_was_signed_out_ends_none(ada: Member) -> None:
    other = await sign_in_again(ada)
    number = await session_id(ada.node, other)
    assert (await ada.http.delete(f"{ALL}/{number}")).status_code == 204
    async with visiting(ada.node, other) as http:
        assert_problem(await http.delete(ALL), 401, "not_signed_in")
    assert await is_signed_in(ada.node, ada.token)


async def test_it_takes_nothing(ada: Member) -> None:
    other = await sign_in_again(ada)
    problem = assert_problem(await ada.http.delete(ALL, params={"user_id": ada.id}), 400, "invalid")
    assert set(problem["errors"]) == {"user_id"}
    assert await is_signed_in(ada.node, other)


# -- one


async def test_a_member_ends_one_with_its_sockets_and_no_other(ada: Member) -> None:
    ended, kept = await sign_in_again(ada), await sign_in_again(ada)
    number = await session_id(ada.node, ended)
    async with wired(ada.node.port, ended) as theirs:
        assert (await ada.http.delete(f"{ALL}/{number}")).status_code == 204
        assert await theirs.expect_close() == 3503
    assert not await is_signed_in(ada.node, ended)
    assert await is_signed_in(ada.node, kept)
    assert_problem(await ada.http.delete(f"{ALL}/{number}"), 404, "not_found")


async def test_a_visitor_ends_no_session(visitor: httpx.AsyncClient, ada: Member) -> None:
    number = await id_of_this(ada.http)
    assert_problem(await visitor.delete(f"{ALL}/{number}"), 401, "not_signed_in")
    assert await is_signed_in(ada.node, ada.token)


async def test_nobody_ends_a_session_of_somebody_else(ada: Member, bob: Member, admin: Member) -> None:
    number = await id_of_this(ada.http)
    for http in (bob.http, admin.http):
        assert_problem(await http.delete(f"{ALL}/{number}"), 404, "not_found")
    assert await is_signed_in(ada.node, ada.token)


async def test_a_token_that_was_not_made_for_it_ends_no_session(ada: Member) -> None:
    number = await id_of_this(ada.http)
    async with token_of(ada, "rooms") as program:
        assert_problem(await program.delete(f"{ALL}/{number}"), 403, "insufficient_scope")
    assert await is_signed_in(ada.node, ada.token)


async def test_who_was_signed_out_ends_no_session(ada: Member) -> None:
    other = await sign_in_again(ada)
    number = await id_of_this(ada.http)
    assert (await ada.http.delete(ALL)).status_code == 204
    async with visiting(ada.node, other) as http:
        assert_problem(await http.delete(f"{ALL}/{number}"), 401, "not_signed_in")
    assert await is_signed_in(ada.node, ada.token)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "%00", "1%20"])
async def test_what_is_no_number_of_a_session_is_refused(ada: Member, number: str) -> None:
    problem = assert_problem(await ada.http.delete(f"{ALL}/{number}"), 400, "invalid")
    assert set(problem["errors"]) == {"session_id"}
