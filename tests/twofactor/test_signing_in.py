"""Two steps: the password gives a challenge, and the challenge with a code gives the session."""

import httpx

from folkmoot.app import Node
from tests.people import PASSWORD, assert_problem, visiting
from tests.twofactor.phone import Careful, first_step

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
