"""A forgotten password, over HTTP and a real mail server: from the letter to the next sign-in."""

import asyncio
from typing import Any

import pytest

from folkmoot.app import Node
from folkmoot.database import Connection
from folkmoot.modules.sessions.tokens import hash_token
from tests.people import PASSWORD, Member, assert_problem, browsing, enrol, token_of, visiting
from tests.resets.conftest import NEW, RESETS, Forgetful, token_in
from tests.twofactor.phone import turn_on


async def test_a_letter_leads_to_a_new_password(forgetful: Forgetful) -> None:
    token = await forgetful.link()
    assert await forgetful.look(token) == "good"
    answer = await forgetful.choose(token)
    assert answer.status_code == 204, answer.text
    assert_problem(await forgetful.sign_in(PASSWORD), 401, "wrong_credentials")
    assert (await forgetful.sign_in(NEW)).status_code == 200


async def test_it_signs_nobody_in(forgetful: Forgetful) -> None:
    answer = await forgetful.choose(await forgetful.link())
    assert list(answer.cookies) == ["device"], "by which the browser is known, and nothing else"
    assert_problem(await forgetful.http.get("/api/v1.0/session"), 401, "not_signed_in")


async def test_the_sessions_the_tokens_and_the_known_browsers_end(
    forgetful: Forgetful, node: Node, ada: Member, rows: Connection
) -> None:
    async with browsing(node) as browser, token_of(ada, "all") as program:
        await browser.sign_in(ada.email)
        assert (await forgetful.choose(await forgetful.link())).status_code == 204
        for http in (ada.http, browser.http, program):
            assert_problem(await http.get("/api/v1.0/rooms"), 401, "not_signed_in")
    known = await rows.fetch("SELECT token_hash FROM known_devices WHERE user_id = $1", ada.id)
    assert [row["token_hash"] for row in known] == [hash_token(forgetful.http.cookies["device"])]


async def test_a_second_factor_stays_and_is_asked_for(forgetful: Forgetful, ada: Member) -> None:
    careful = await turn_on(ada)
    assert (await forgetful.choose(await forgetful.link())).status_code == 204
    assert_problem(await forgetful.sign_in(NEW), 401, "second_factor_needed")
    assert careful.member.id == ada.id


async def test_a_link_works_once(forgetful: Forgetful) -> None:
    token = await forgetful.link()
    assert (await forgetful.choose(token)).status_code == 204
    assert await forgetful.look(token) == "used"
    assert_problem(await forgetful.choose(token, "something else entirely"), 403, "reset_over")
    assert (await forgetful.sign_in(NEW)).status_code == 200


async def test_of_many_at_once_one_uses_it(forgetful: Forgetful) -> None:
    token = await forgetful.link()
    passwords = [f"one of several {n}" for n in range(6)]
    answers = await asyncio.gather(*(forgetful.choose(token, password) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [204] + 5 * [403]
    won = passwords[[answer.status_code for answer in answers].index(204)]
    assert (await forgetful.sign_in(won)).status_code == 200


async def test_a_newer_letter_makes_the_older_good_for_nothing(forgetful: Forgetful) -> None:
    older, newer = await forgetful.link(), await forgetful.link()
    assert await forgetful.look(older) == "over"
    assert_problem(await forgetful.choose(older), 403, "reset_over")
    assert (await forgetful.choose(newer)).status_code == 204


async def test_a_link_ends_after_its_time(forgetful: Forgetful, rows: Connection) -> None:
    token = await forgetful.link()
    left = await rows.fetchval(
        "SELECT extract(epoch FROM expires_at - now()) FROM password_resets WHERE user_id = $1", forgetful.member.id
    )
    assert 1700 < left <= 1800
    await rows.execute("UPDATE password_resets SET expires_at = now() WHERE user_id = $1", forgetful.member.id)
    assert await forgetful.look(token) == "expired"
    assert_problem(await forgetful.choose(token), 403, "reset_over")


async def test_another_password_ends_the_link(forgetful: Forgetful, node: Node) -> None:
    token = await forgetful.link()
    async with enrol(node, "Root", "admin") as root:
        path = f"/api/v1.0/accounts/{forgetful.member.id}/password"
        assert (await root.http.put(path, json={"password": "what the admin says"})).status_code == 204
    assert await forgetful.look(token) == "over"
    assert_problem(await forgetful.choose(token), 403, "reset_over")
    assert (await forgetful.sign_in("what the admin says")).status_code == 200


async def test_a_disabled_account_is_not_opened(forgetful: Forgetful, node: Node) -> None:
    token = await forgetful.link()
    async with enrol(node, "Root", "admin") as root:
        assert (await root.http.post(f"/api/v1.0/accounts/{forgetful.member.id}/disable")).status_code == 204
    assert_problem(await forgetful.choose(token), 403, "reset_over")


async def test_what_is_no_token_is_no_link(forgetful: Forgetful) -> None:
    token = await forgetful.link()
    for wrong in (token[:-1], token.upper(), f"{token} ", forgetful.member.token, "x"):
        assert await forgetful.look(wrong) == "over"
        assert_problem(await forgetful.choose(wrong), 403, "reset_over")
    assert await forgetful.look(token) == "good"


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("", {}),
        ("", {"email": "nonsense"}),
        ("", {"email": ["ada@example.org"]}),
        ("", {"email": "ada@example.org\r\nBcc: eve@example.org"}),
        ("", {"email": "ada@example.org", "more": 1}),
        ("/look", {}),
        ("/look", {"token": ""}),
        ("/look", {"token": "x" * 129}),
        ("/look", {"token": {"$ne": ""}}),
        ("/choose", {"token": "x"}),
        ("/choose", {"token": "x", "password": "short"}),
        ("/choose", {"token": "x", "password": "x" * 257}),
        ("/choose", {"token": "x\x00", "password": NEW}),
    ],
)
async def test_what_cannot_be_read_is_refused(forgetful: Forgetful, path: str, given: dict[str, Any]) -> None:
    assert_problem(await forgetful.http.post(RESETS + path, json=given), 400, "invalid")


@pytest.mark.parametrize("path", ["", "/look", "/choose"])
async def test_pages_of_others_are_refused(forgetful: Forgetful, path: str) -> None:
    given = {"email": forgetful.member.email} if not path else {"token": "x", "password": NEW}
    for headers in ({"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        assert_problem(await forgetful.http.post(RESETS + path, json=given, headers=headers), 403, "forbidden")


async def test_it_has_no_other_door(ada: Member) -> None:
    for name in ("ask", "look", "choose", "offer"):
        answer = await ada.http.post(f"/api/v1.0/actions/resets/{name}", json={"email": ada.email})
        assert_problem(answer, 404, "unknown_method")


async def test_the_link_names_this_server_whatever_the_request_says(forgetful: Forgetful) -> None:
    before = len(forgetful.box.to(forgetful.member.email))
    headers = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}
    answer = await forgetful.http.post(RESETS, json={"email": forgetful.member.email}, headers=headers)
    assert answer.status_code == 200
    (letter,) = (await forgetful.box.wait_for(before + 1, forgetful.member.email))[before:]
    assert token_in(letter)
    assert b"evil" not in letter.as_bytes()


async def test_only_the_hash_of_a_token_is_kept_and_no_job_has_one(
    forgetful: Forgetful, rows: Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    box = forgetful.box
    box.silent, tries = True, box.tries
    try:
        await forgetful.ask()
        await box.until(lambda: box.tries > tries)
        jobs = await rows.fetchval("SELECT json_agg(procrastinate_jobs)::text FROM procrastinate_jobs")
    finally:
        box.silent = False
    token = token_in((await box.wait_for(1, forgetful.member.email))[-1])
    assert forgetful.member.email in jobs, "the job was there"
    assert token not in jobs
    kept = await rows.fetchrow("SELECT * FROM password_resets WHERE user_id = $1", forgetful.member.id)
    assert kept is not None
    assert kept["token_hash"] == hash_token(token)
    assert await forgetful.look(token) == "good"
    assert (await forgetful.choose(token)).status_code == 204
    said = capfd.readouterr()
    assert "resets/choose" in said.out + said.err, "the log was there"
    assert token not in said.out + said.err


async def test_the_browser_that_chose_is_known(forgetful: Forgetful, node: Node, rows: Connection) -> None:
    async with visiting(node) as http:
        await forgetful.choose(await forgetful.link())
        http.cookies.update(forgetful.http.cookies)
        http.headers["X-Requested-With"] = "folkmoot"
        answer = await http.post("/api/v1.0/session", json={"email": forgetful.member.email, "password": NEW})
        assert answer.status_code == 200
        assert "device" not in answer.cookies
