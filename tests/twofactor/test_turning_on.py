"""Turning two-step sign-in on and off: for the member, the stranger, the revoked, and the malformed."""

import httpx
import pytest

from folkmoot.app import Node
from folkmoot.database import Connection
from tests.conftest import Start
from tests.people import PASSWORD, Browser, Member, assert_problem, browsing, token_of, visiting
from tests.twofactor.phone import Careful, Phone, challenge_of, first_step, turn_on

FACTOR = "/api/v1.0/second-factor"
CHANGES: tuple[tuple[str, dict[str, str]], ...] = (
    (FACTOR, {}), (f"{FACTOR}/confirm", {"code": "123456"}), (f"{FACTOR}/recovery-codes", {}),
    (f"{FACTOR}/off", {"password": PASSWORD, "code": "123456"}),
)  # fmt: skip


async def state(http: httpx.AsyncClient) -> dict[str, object]:
    answer = await http.get(FACTOR)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_it_is_off_until_a_code_confirms_it(ada: Member, visitor: httpx.AsyncClient) -> None:
    off = {"on": False, "since": None, "recovery_codes_left": 0, "required": False, "possible": True}
    assert await state(ada.http) == off
    assert (await ada.http.post(FACTOR)).status_code == 201
    assert await state(ada.http) == off
    assert (await first_step(visitor, ada.email)).status_code == 200, "a secret alone asks nobody for a code"


async def test_what_is_shown_once(ada: Member) -> None:
    answer = await ada.http.post(FACTOR)
    shown = answer.json()
    assert set(shown) == {"secret", "address", "picture"}
    assert shown["secret"] in shown["address"]
    assert ada.email.replace("@", "%40") in shown["address"]
    assert answer.headers["cache-control"] == "no-store"
    careful = await turn_on(ada)
    assert careful.phone.secret != shown["secret"], "each start is another secret"
    assert await state(ada.http) | {"since": None} == {
        "on": True, "since": None, "recovery_codes_left": 10, "required": False, "possible": True,
    }  # fmt: skip
    for path in ("session", "sessions", "second-factor", "people", "tokens"):
        text = (await ada.http.get(f"/api/v1.0/{path}")).text
        assert careful.phone.secret not in text
        assert not any(code in text for code in careful.recovery_codes)


async def test_an_earlier_secret_is_worth_nothing(ada: Member) -> None:
    first = Phone((await ada.http.post(FACTOR)).json()["secret"])
    second = Phone((await ada.http.post(FACTOR)).json()["secret"])
    assert_problem(await ada.http.post(f"{FACTOR}/confirm", json={"code": first.code()}), 403, "wrong_code")
    assert (await ada.http.post(f"{FACTOR}/confirm", json={"code": second.code()})).status_code == 200


async def test_turning_on_gives_another_token_and_ends_the_other_sign_ins(node: Node, ada: Member) -> None:
    before = ada.token
    async with browsing(node) as browser, visiting(node, before) as old, token_of(ada, "rooms") as program:
        await browser.sign_in(ada.email)
        careful = await turn_on(ada)
        assert careful.member.token != before
        assert_problem(await old.get("/api/v1.0/session"), 401, "not_signed_in")
        assert_problem(await browser.http.get("/api/v1.0/session"), 401, "not_signed_in")
        assert (await program.get("/api/v1.0/rooms")).status_code == 200, "tokens hold: each was made on its own"
    session = (await ada.http.get("/api/v1.0/session")).json()["session"]
    assert session["made_with"] == ["password", "totp"]


async def test_a_browser_gets_its_new_token_in_the_cookie_alone(browser: Browser) -> None:
    before = browser.token
    phone = Phone((await browser.http.post(FACTOR)).json()["secret"])
    answer = await browser.http.post(f"{FACTOR}/confirm", json={"code": phone.code()})
    assert answer.status_code == 200, answer.text
    assert answer.json()["access_token"] is None
    assert browser.token != before
    assert browser.token not in answer.text
    assert (await browser.http.get("/api/v1.0/session")).status_code == 200
    async with visiting(browser.node, before) as old:
        assert_problem(await old.get("/api/v1.0/session"), 401, "not_signed_in")


async def test_what_is_on_is_not_begun_anew(careful: Careful) -> None:
    assert_problem(await careful.http.post(FACTOR), 409, "conflict")
    again = {"code": careful.phone.code()}
    assert_problem(await careful.http.post(f"{FACTOR}/confirm", json=again), 409, "conflict")


async def test_turning_off_takes_the_password_and_a_code(
    careful: Careful, visitor: httpx.AsyncClient, database: Connection
) -> None:
    off, code = f"{FACTOR}/off", careful.phone.code()
    wrong = {"password": "not hers at all", "code": code}
    assert_problem(await careful.http.post(off, json=wrong), 403, "wrong_password")
    assert_problem(await careful.http.post(off, json={"password": PASSWORD, "code": "000000"}), 403, "wrong_code")
    pending = await challenge_of(careful.member.node, careful.member.email)
    assert (await careful.http.post(off, json={"password": PASSWORD, "code": code})).status_code == 204
    assert (await state(careful.http))["on"] is False
    assert (await first_step(visitor, careful.member.email)).status_code == 200
    given = {"challenge": pending, "code": careful.recovery_codes[0]}
    assert_problem(await visitor.post("/api/v1.0/user/auth/code", json=given), 401, "challenge_over")
    for table in ("totp", "recovery_codes", "sign_in_challenges"):
        count = await database.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", careful.member.id)  # noqa: S608
        assert count == 0


async def test_a_recovery_code_turns_it_off_too(careful: Careful) -> None:
    given = {"password": PASSWORD, "code": careful.recovery_codes[3].upper().replace("-", " ")}
    assert (await careful.http.post(f"{FACTOR}/off", json=given)).status_code == 204


async def test_new_recovery_codes_kill_the_old_ones(careful: Careful, visitor: httpx.AsyncClient) -> None:
    answer = await careful.http.post(f"{FACTOR}/recovery-codes")
    fresh = answer.json()["recovery_codes"]
    assert len(set(fresh)) == 10
    assert not set(fresh) & set(careful.recovery_codes)
    challenge = await challenge_of(careful.member.node, careful.member.email)
    old = {"challenge": challenge, "code": careful.recovery_codes[0]}
    assert_problem(await visitor.post("/api/v1.0/user/auth/code", json=old), 403, "wrong_code")
    assert (await visitor.post("/api/v1.0/user/auth/code", json={**old, "code": fresh[0]})).status_code == 200
    assert (await state(careful.http))["recovery_codes_left"] == 9


async def test_nothing_is_renewed_or_turned_off_that_is_not_on(ada: Member) -> None:
    assert_problem(await ada.http.post(f"{FACTOR}/recovery-codes"), 409, "conflict")
    given = {"password": PASSWORD, "code": "123456"}
    assert_problem(await ada.http.post(f"{FACTOR}/off", json=given), 409, "conflict")
    assert_problem(await ada.http.post(f"{FACTOR}/confirm", json={"code": "123456"}), 409, "conflict")


async def test_strangers_the_revoked_and_tokens_change_nothing(
    node: Node, careful: Careful, visitor: httpx.AsyncClient
) -> None:
    async with token_of(careful.member, "all") as token:
        for path, given in CHANGES:
            assert_problem(await visitor.post(path, json=given), 401, "not_signed_in")
            assert_problem(await token.post(path, json=given), 403, "insufficient_scope")
    async with visiting(node, careful.member.token) as revoked:
        await careful.http.delete("/api/v1.0/session")
        for path, given in CHANGES:
            assert_problem(await revoked.post(path, json=given), 401, "not_signed_in")


@pytest.mark.parametrize("code", [None, 123456, "", "x" * 65, ["123456"], {"$ne": ""}, "12\x003456"])
async def test_what_is_no_code_is_refused_by_name(ada: Member, code: object) -> None:
    assert (await ada.http.post(FACTOR)).status_code == 201
    problem = assert_problem(await ada.http.post(f"{FACTOR}/confirm", json={"code": code}), 400, "invalid")
    assert set(problem["errors"]) == {"code"}
    assert "fields" not in problem


async def test_without_a_key_only_what_needs_one_is_refused(start: Start, careful: Careful) -> None:
    async with start() as keyless, visiting(keyless, careful.member.token) as http:
        assert (await state(http))["possible"] is False
        problem = assert_problem(await http.get("/api/v1.0/totp/check/123456"), 503, "key_missing")
        assert "FOLKMOOT_KEYS" in problem["detail"]
        challenge = await challenge_of(keyless, careful.member.email)
        given = {"challenge": challenge, "code": careful.recovery_codes[0]}
        assert (await http.post("/api/v1.0/rooms", json={"name": "Garden"})).status_code == 201
        async with visiting(keyless) as visitor:
            assert (await visitor.post("/api/v1.0/user/auth/code", json=given)).status_code == 200
        off = {"password": PASSWORD, "code": careful.recovery_codes[1]}
        assert (await http.post(f"{FACTOR}/off", json=off)).status_code == 204
        assert_problem(await http.post(FACTOR), 503, "key_missing")
