"""A forgotten password, over HTTP and a real mail server: from the letter to the next sign-in."""

from tests.people import PASSWORD, assert_problem
from tests.resets.conftest import NEW, Forgetful


async def test_a_letter_leads_to_a_new_password(forgetful: Forgetful) -> None:
    token = await forgetful.link()
    assert await forgetful.look(token) == "good"
    answer = await forgetful.choose(token)
    assert answer.status_code == 204, answer.text
    assert "set-cookie" not in answer.headers
    assert_problem(await forgetful.sign_in(PASSWORD), 401, "wrong_credentials")
    assert (await forgetful.sign_in(NEW)).status_code == 200
