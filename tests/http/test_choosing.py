"""Which passwords may be chosen: the length that NIST asks for, and none of those that are tried first."""

import httpx
import pytest

from folkmoot.app import Node
from folkmoot.errors import Invalid
from folkmoot.modules.accounts.choosing import check_choice
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.people import Member, assert_problem

COMMON = (
    "q1w2e3r4t5y6u7i8o9p0",
    "PasswordPassword",
    "111111111111111",
    "Folkmoot-Folkmoot-2026",
    "1 folkmoot 2 folkmoot",
)
FIT = (
    "correct horse battery",
    "fifteen letters",
    "пятнадцать букв",
    "   a   b   c   ",
    "🦊🐺🐻🦁🐯" * 3,
    "wxyz" * 64,
)


async def choose(admin: Member, user: Member, password: str) -> httpx.Response:
    return await admin.http.put(f"/api/v1.0/accounts/{user.id}/password", json={"password": password})


@pytest.mark.parametrize("password", COMMON)
async def test_what_is_guessed_first_is_refused(admin: Member, ada: Member, password: str) -> None:
    problem = assert_problem(await choose(admin, ada, password), 400, "invalid")
    assert "guessed first" in str(problem["errors"]["password"])


@pytest.mark.parametrize("password", FIT)
async def test_any_other_of_its_length_may_be_chosen(admin: Member, ada: Member, password: str) -> None:
    assert (await choose(admin, ada, password)).status_code == 204


async def test_too_short_is_said_with_how_long_it_must_be(admin: Member, ada: Member) -> None:
    for password in ("fourteen chars", "🦊" * 14, "x" * 257):
        problem = assert_problem(await choose(admin, ada, password), 400, "invalid")
        assert "length" in str(problem["errors"]["password"])
    given = {"email": "new@example.org", "name": "New", "password": "fourteen chars"}
    assert_problem(await admin.http.post("/api/v1.0/accounts", json=given), 400, "invalid")


def test_with_a_second_factor_eight_will_do(settings: Settings) -> None:
    check_choice(settings, "8 chars!", has_second_factor=True)
    for password, has_second_factor in (("7 chars", True), ("8 chars!", False), ("football", True)):
        with pytest.raises(Invalid):
            check_choice(settings, password, has_second_factor=has_second_factor)


async def test_the_operator_may_ask_for_more(start: Start, node: Node, admin: Member, ada: Member) -> None:
    async with start(password_chars=30) as strict:
        admin.http.base_url = httpx.URL(f"http://127.0.0.1:{strict.port}")
        problem = assert_problem(await choose(admin, ada, "correct horse battery staple"), 400, "invalid")
        assert "30" in str(problem["errors"]["password"])
