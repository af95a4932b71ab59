"""Two steps: the password gives a challenge, and the challenge with a code gives the session."""

import json

import httpx
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.database import Connection
from folkmoot.keys import new_key
from folkmoot.modules.twofactor.actions import lock_anew
from tests.conftest import Start
from tests.people import PASSWORD, Member, assert_problem, visiting
from tests.twofactor.phone import KEYS, Careful, challenge_of, first_step

PROGRAM, PROGRAM_CODE = "/api/v1.0/user/auth", "/api/v1.0/user/auth/code"
BROWSER, BROWSER_CODE = "/api/v1.0/session", "/api/v1.0/session/code"


async def test_a_program_signs_in_with_a_code(node: Node, careful: Careful, visitor: httpx.AsyncClient) -> None:
    first = await first_step(visitor, careful.member.email)
    problem = assert_problem(first, 401, "second_factor_needed")
    assert problem["valid"] is False
    assert problem["expires_in_s"] == 300
    given = {"challenge": problem["challenge"], "code": careful.phone.code()}
    answer = await visitor.post(PROGRAM_CODE, json=given)
    assert answer.status_code == 200, answer.text
    token = answer.json()["data"]["access_token"]
    assert answer.json() == {"valid": True, "data": {"access_token": token}}
    async with visiting(node, token) as http:
        session = (await http.get(BROWSER)).json()["session"]
    assert session["made_with"] == ["password", "totp"]


async def test_a_browser_gets_its_cookie_with_the_second_step_only(
    careful: Careful, visitor: httpx.AsyncClient
) -> None:
    first = await first_step(visitor, careful.member.email, BROWSER)
    challenge = assert_problem(first, 401, "second_factor_needed")["challenge"]
    assert not visitor.cookies
    answer = await visitor.post(BROWSER_CODE, json={"challenge": challenge, "code": careful.phone.code()})
    assert answer.status_code == 200, answer.text
    assert "token" not in answer.text
    assert (await visitor.get(BROWSER)).json()["user"]["id"] == careful.member.id


async def test_the_password_alone_gives_nothing(careful: Careful, visitor: httpx.AsyncClient) -> None:
    wrong = await visitor.post(PROGRAM, json={"email": careful.member.email, "password": f"{PASSWORD}!"})
    assert "challenge" not in assert_problem(wrong, 401, "wrong_credentials")


async def test_a_recovery_code_signs_in_once(careful: Careful, visitor: httpx.AsyncClient, node: Node) -> None:
    given = {"challenge": await challenge_of(node, careful.member.email), "code": careful.recovery_codes[0]}
    answer = await visitor.post(PROGRAM_CODE, json=given)
    assert answer.status_code == 200, answer.text
    async with visiting(node, answer.json()["data"]["access_token"]) as http:
        assert (await http.get(BROWSER)).json()["session"]["made_with"] == ["password", "recovery"]
    again = given | {"challenge": await challenge_of(node, careful.member.email)}
    problem = assert_problem(await visitor.post(PROGRAM_CODE, json=again), 403, "wrong_code")
    assert problem["valid"] is False


async def test_a_challenge_is_used_up(careful: Careful, visitor: httpx.AsyncClient, node: Node) -> None:
    challenge = await challenge_of(node, careful.member.email)
    codes = careful.recovery_codes
    assert (await visitor.post(PROGRAM_CODE, json={"challenge": challenge, "code": codes[0]})).status_code == 200
    again = {"challenge": challenge, "code": codes[1]}
    assert_problem(await visitor.post(PROGRAM_CODE, json=again), 401, "challenge_over")
    fresh = await challenge_of(node, careful.member.email)
    assert (await visitor.post(PROGRAM_CODE, json={"challenge": fresh, "code": codes[1]})).status_code == 200


async def test_a_challenge_ends_after_five_tries_whatever_the_sixth_is(start: Start, careful: Careful) -> None:
    async with start(keys=SecretStr(KEYS), second_factor_tries=1_000) as patient, visiting(patient) as http:
        challenge = await challenge_of(patient, careful.member.email)
        for _ in range(5):
            wrong = {"challenge": challenge, "code": "aaaa-aaaa"}
            assert_problem(await http.post(PROGRAM_CODE, json=wrong), 403, "wrong_code")
        right = {"challenge": challenge, "code": careful.recovery_codes[0]}
        assert_problem(await http.post(PROGRAM_CODE, json=right), 401, "challenge_over")


async def test_a_challenge_ends_after_five_minutes(
    careful: Careful, visitor: httpx.AsyncClient, node: Node, database: Connection
) -> None:
    challenge = await challenge_of(node, careful.member.email)
    kept = "SELECT expires_at - now() FROM sign_in_challenges WHERE user_id = $1"
    assert 290 < (await database.fetchval(kept, careful.member.id)).total_seconds() <= 300
    await database.execute("UPDATE sign_in_challenges SET expires_at = now() WHERE user_id = $1", careful.member.id)
    given = {"challenge": challenge, "code": careful.recovery_codes[0]}
    assert_problem(await visitor.post(PROGRAM_CODE, json=given), 401, "challenge_over")
    await challenge_of(node, careful.member.email)
    count = "SELECT count(*) FROM sign_in_challenges WHERE expires_at <= now()"
    assert await database.fetchval(count) == 0, "each new one forgets those that are over"


@pytest.mark.parametrize("change", ["password", "disabled"])
async def test_a_challenge_is_over_when_the_account_has_changed(
    careful: Careful, admin: Member, visitor: httpx.AsyncClient, node: Node, change: str
) -> None:
    challenge = await challenge_of(node, careful.member.email)
    path = f"/api/v1.0/accounts/{careful.member.id}"
    if change == "password":
        answer = await admin.http.put(f"{path}/password", json={"password": "another password"})
    else:
        answer = await admin.http.post(f"{path}/disable")
    assert answer.status_code == 204
    given = {"challenge": challenge, "code": careful.recovery_codes[0]}
    assert_problem(await visitor.post(PROGRAM_CODE, json=given), 401, "challenge_over")


async def test_a_password_that_an_admin_has_set_asks_for_the_code_too(
    careful: Careful, admin: Member, visitor: httpx.AsyncClient
) -> None:
    path = f"/api/v1.0/accounts/{careful.member.id}/password"
    assert (await admin.http.put(path, json={"password": "another password"})).status_code == 204
    given = {"email": careful.member.email, "password": "another password"}
    challenge = assert_problem(await visitor.post(PROGRAM, json=given), 401, "second_factor_needed")["challenge"]
    answer = await visitor.post(PROGRAM_CODE, json={"challenge": challenge, "code": careful.phone.code()})
    assert answer.status_code == 200


async def test_what_a_browser_began_no_program_ends(careful: Careful, visitor: httpx.AsyncClient, node: Node) -> None:
    for began, ended in ((PROGRAM, BROWSER_CODE), (BROWSER, PROGRAM_CODE)):
        given = {"challenge": await challenge_of(node, careful.member.email, began), "code": careful.recovery_codes[0]}
        assert_problem(await visitor.post(ended, json=given), 401, "challenge_over")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "challenge"),
        ({"challenge": "x"}, "code"),
        ({"challenge": 1, "code": "1"}, "challenge"),
        ({"challenge": "x" * 300, "code": "1"}, "challenge"),
        ({"challenge": "x", "code": "1", "more": 1}, "more"),
    ],
)
async def test_what_is_no_second_step_is_refused_by_name(
    visitor: httpx.AsyncClient, given: dict[str, object], field: str
) -> None:
    for path in (BROWSER_CODE, PROGRAM_CODE):
        assert field in assert_problem(await visitor.post(path, json=given), 400, "invalid")["errors"]


@pytest.mark.parametrize("challenge", ["x", "\ud800", "' OR 1=1 --", "A" * 43])
async def test_a_challenge_that_is_none_is_over(visitor: httpx.AsyncClient, challenge: str) -> None:
    body = json.dumps({"challenge": challenge, "code": "123456"})
    answer = await visitor.post(PROGRAM_CODE, content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["code"] in ("challenge_over", "invalid", "malformed")
    assert answer.status_code in (400, 401)


async def test_another_site_cannot_take_the_second_step(
    careful: Careful, visitor: httpx.AsyncClient, node: Node
) -> None:
    given = {"challenge": await challenge_of(node, careful.member.email, BROWSER), "code": careful.recovery_codes[0]}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert_problem(await visitor.post(BROWSER_CODE, json=given, headers=headers), 403, "forbidden")


async def test_the_key_can_change_while_people_sign_in(start: Start, careful: Careful) -> None:
    new = new_key()
    async with start(keys=SecretStr(f"{new} {KEYS}")) as both, visiting(both) as http:
        assert await lock_anew(both.core) >= 1
        assert await lock_anew(both.core) == 0
        given = {"challenge": await challenge_of(both, careful.member.email), "code": careful.phone.code()}
        assert (await http.post(PROGRAM_CODE, json=given)).status_code == 200
    async with start(keys=SecretStr(new)) as changed, visiting(changed, careful.member.token) as http:
        assert (await http.get("/api/v1.0/totp/check/000000")).status_code == 200, "the old key is not needed any more"
    async with start(keys=SecretStr(f"{KEYS} {new}")) as back:
        assert await lock_anew(back.core) >= 1, "so that the other tests find what they have locked"
