"""Changing one's own password: by whom, with what, and what ends with it."""

import httpx
import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.http.test_sessions import is_signed_in, sign_in_again
from tests.people import PASSWORD, Browser, Member, assert_problem, enrol, enrol_bot, token_of, visiting
from tests.realtime.wire import wired

PATH = "/api/v1.0/session/password"
BETTER = "an even better passphrase"
GIVEN = {"password": PASSWORD, "new_password": BETTER}


async def signs_in(node: Node, email: str, password: str) -> bool:
    async with visiting(node) as http:
        answer = await http.post("/api/v1.0/user/auth", json={"email": email, "password": password})
    return answer.status_code == 200


# -- the member


async def test_a_member_has_another_password_and_another_token(ada: Member, bob: Member) -> None:
    answer = await ada.http.put(PATH, json=GIVEN)
    assert answer.status_code == 200, answer.text
    renewed = answer.json()["access_token"]
    assert renewed != ada.token
    assert await is_signed_in(ada.node, renewed)
    assert not await is_signed_in(ada.node, ada.token)
    assert await signs_in(ada.node, ada.email, BETTER)
    assert not await signs_in(ada.node, ada.email, PASSWORD)
    assert await signs_in(ada.node, bob.email, PASSWORD), "nobody else has"


async def test_it_ends_all_other_sign_ins_at_once_and_leaves_tokens(ada: Member) -> None:
    other = await sign_in_again(ada)
    async with token_of(ada, "all") as program, wired(ada.node.port, other) as theirs, wired(ada.node.port) as mine:
        await mine.connect(ada.token)
        assert (await ada.http.put(PATH, json=GIVEN)).status_code == 200
        assert await theirs.expect_close() == 3503
        assert not await is_signed_in(ada.node, other)
        assert (await program.get("/api/v1.0/rooms")).status_code == 200
        assert "rooms" in await mine.rpc("rooms.mine"), "the socket of the session that changed it goes on"


async def test_a_browser_keeps_its_sign_in_in_its_cookie(browser: Browser, ada: Member) -> None:
    before = browser.token
    answer = await browser.http.put(PATH, json=GIVEN)
    assert answer.status_code == 200, answer.text
    assert browser.token != before
    assert "access_token" not in answer.text or answer.json()["access_token"] is None
    assert (await browser.http.get("/api/v1.0/session")).status_code == 200
    assert not await is_signed_in(ada.node, before)


# -- the stranger


async def test_a_visitor_changes_nothing(visitor: httpx.AsyncClient, ada: Member) -> None:
    assert_problem(await visitor.put(PATH, json=GIVEN), 401, "not_signed_in")
    assert await signs_in(ada.node, ada.email, PASSWORD)


async def test_who_has_the_session_and_not_the_password_changes_nothing(ada: Member) -> None:
    refused = await ada.http.put(PATH, json={**GIVEN, "password": "not the password of anybody"})
    assert refused.status_code in (401, 403, 422), refused.text
    assert await is_signed_in(ada.node, ada.token)
    assert await signs_in(ada.node, ada.email, PASSWORD)


async def test_another_page_changes_nothing(browser: Browser, ada: Member) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await browser.http.put(PATH, json=GIVEN, headers=headers)).status_code == 403
    assert await signs_in(ada.node, ada.email, PASSWORD)


async def test_a_token_changes_nothing_whatever_its_scopes(admin: Member) -> None:
    async with token_of(admin, "all") as program, enrol_bot(admin, "Robot") as bot:
        for http in (program, bot.http):
            assert_problem(await http.put(PATH, json=GIVEN), 403, "insufficient_scope")
    assert await signs_in(admin.node, admin.email, PASSWORD)


async def test_guessing_at_it_is_limited(start: Start) -> None:
    async with start(sign_in_failures=3) as node, enrol(node, "Eve") as eve:
        guesses = [await eve.http.put(PATH, json={**GIVEN, "password": f"a guess, number {n}"}) for n in range(4)]
        assert_problem(guesses[-1], 429, "too_many")
        assert int(guesses[-1].headers["retry-after"]) > 0
        assert_problem(await eve.http.put(PATH, json=GIVEN), 429, "too_many")


# -- the revoked


async def test_who_was_signed_out_changes_nothing(ada: Member) -> None:
    other = await sign_in_again(ada)
    assert (await ada.http.delete("/api/v1.0/sessions")).status_code == 204
    async with visiting(ada.node, other) as http:
        assert_problem(await http.put(PATH, json=GIVEN), 401, "not_signed_in")
    assert await signs_in(ada.node, ada.email, PASSWORD)


async def test_whose_account_is_shut_changes_nothing(admin: Member, ada: Member) -> None:
    assert (await admin.http.post(f"/api/v1.0/accounts/{ada.id}/disable")).status_code == 204
    assert_problem(await ada.http.put(PATH, json=GIVEN), 401, "not_signed_in")
    assert (await admin.http.post(f"/api/v1.0/accounts/{ada.id}/enable")).status_code == 204
    assert await signs_in(ada.node, ada.email, PASSWORD)


# -- the malformed


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"password", "new_password"}),
        ({"password": PASSWORD}, {"new_password"}),
        ({"new_password": BETTER}, {"password"}),
        ({**GIVEN, "password": 7}, {"password"}),
        ({**GIVEN, "new_password": None}, {"new_password"}),
        ({**GIVEN, "new_password": "short"}, {"new_password"}),
        ({**GIVEN, "new_password": "x" * 10_000}, {"new_password"}),
        ({**GIVEN, "new_password": "passwordpassword"}, {"new_password"}),
        ({**GIVEN, "user_id": 1}, {"user_id"}),
    ],
    ids=lambda value: "" if isinstance(value, set) else repr(value)[:60],
)
async def test_what_is_no_change_is_refused_and_named(ada: Member, given: dict[str, object], fields: set[str]) -> None:
    problem = assert_problem(await ada.http.put(PATH, json=given), 400, "invalid")
    assert set(problem["errors"]) == fields
    assert await signs_in(ada.node, ada.email, PASSWORD)


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"text"', b"\xff"])
async def test_what_is_no_json_object_is_refused(ada: Member, body: bytes) -> None:
    answer = await ada.http.put(PATH, content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 400, "malformed")
