"""Each code counts once, however many ask for it at the same time and wherever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, assert_problem, enrol, visiting
from tests.twofactor.phone import KEYS, Careful, Phone, challenge_of, turn_on

CHECK = "/api/v1.0/totp/check"
FACTOR = "/api/v1.0/second-factor"
RACERS = 50


@pytest.fixture(scope="module")
async def patient(start: Start) -> AsyncIterator[Node]:
    """A node that does not count tries, so that only the code itself decides."""
    async with start(keys=SecretStr(KEYS), second_factor_tries=100_000) as started:
        yield started


@pytest.fixture
async def racer(patient: Node) -> AsyncIterator[Careful]:
    async with enrol(patient, "Ada") as member:
        yield await turn_on(member)


async def test_fifty_requests_with_one_code_and_one_of_them_wins(racer: Careful) -> None:
    code = racer.phone.code()
    answers = await asyncio.gather(*(racer.http.get(f"{CHECK}/{code}") for _ in range(RACERS)))
    assert Counter(answer.json()["status"] for answer in answers) == {True: 1, False: RACERS - 1}


async def test_fifty_sign_ins_with_one_code_and_one_of_them_wins(patient: Node, racer: Careful) -> None:
    """Each has a challenge of its own: it is the code that is used up."""
    challenges = await asyncio.gather(*(challenge_of(patient, racer.member.email) for _ in range(10)))
    code = racer.phone.code()
    async with visiting(patient) as http:
        given = [{"challenge": challenges[number % 10], "code": code} for number in range(RACERS)]
        answers = await asyncio.gather(*(http.post("/api/v1.0/user/auth/code", json=one) for one in given))
    said = Counter(answer.json().get("code", "signed in") for answer in answers)
    assert said["signed in"] == 1
    # Whoever came with the challenge of the winner, after it had won, found it over.
    assert said["wrong_code"] + said["challenge_over"] == RACERS - 1
    assert said["wrong_code"] >= RACERS - 5


async def test_fifty_confirmations_with_one_code_and_one_of_them_wins(patient: Node) -> None:
    async with enrol(patient, "Ada") as ada:
        phone = Phone((await ada.http.post(FACTOR)).json()["secret"])
        given = {"code": phone.code()}
        answers = await asyncio.gather(*(ada.http.post(f"{FACTOR}/confirm", json=given) for _ in range(RACERS)))
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        # The others found it on already, or came with a token that was dead by then.
        assert {answer.status_code for answer in answers if answer not in won} <= {401, 403, 409}
        ada.http.headers["Authorization"] = f"Bearer {won[0].json()['access_token']}"
        assert (await ada.http.get(f"{CHECK}/{given['code']}")).json() == {"status": False}, "the first code is used"


async def test_twenty_uses_of_one_recovery_code_and_one_of_them_wins(patient: Node, racer: Careful) -> None:
    challenges = await asyncio.gather(*(challenge_of(patient, racer.member.email) for _ in range(4)))
    async with visiting(patient) as http:
        given = [{"challenge": challenges[number % 4], "code": racer.recovery_codes[0]} for number in range(20)]
        answers = await asyncio.gather(*(http.post("/api/v1.0/user/auth/code", json=one) for one in given))
    said = Counter(answer.json().get("code", "signed in") for answer in answers)
    assert said["signed in"] == 1
    assert said["wrong_code"] + said["challenge_over"] == 19
    assert said["wrong_code"] >= 15


async def test_a_code_is_used_up_wherever_it_is_used(patient: Node, racer: Careful) -> None:
    code = racer.phone.code()
    assert (await racer.http.get(f"{CHECK}/{code}")).json() == {"status": True}
    async with visiting(patient) as http:
        given = {"challenge": await challenge_of(patient, racer.member.email), "code": code}
        assert_problem(await http.post("/api/v1.0/user/auth/code", json=given), 403, "wrong_code")
    assert_problem(await racer.http.post("/api/v1.0/session/confirm", json={"code": code}), 403, "wrong_code")


async def test_an_older_code_than_the_last_one_does_not_count(racer: Careful) -> None:
    later = racer.phone.code(ahead=1)
    assert (await racer.http.get(f"{CHECK}/{later}")).json() == {"status": True}
    earlier = racer.phone.code_of_confirmation
    assert (await racer.http.get(f"{CHECK}/{earlier}")).json() == {"status": False}


class TestCheck:
    """`GET /totp/check/<code>`: true or false for who has a token, and 401 for who has none."""

    async def test_a_right_code_once_and_wrong_ones_never(self, careful: Careful) -> None:
        code = careful.phone.code()
        for given, status in ((code, True), (code, False), ("000000", False), ("12345", False), ("x", False)):
            answer = await careful.http.get(f"{CHECK}/{given}")
            assert (answer.status_code, answer.json()) == (200, {"status": status})
        assert (await careful.http.get(f"/v1.0/totp/check/{code}/")).json() == {"status": False}

    async def test_recovery_codes_are_not_spent_on_it(self, careful: Careful, node: Node) -> None:
        assert (await careful.http.get(f"{CHECK}/{careful.recovery_codes[0]}")).json() == {"status": False}
        async with visiting(node) as http:
            given = {"challenge": await challenge_of(node, careful.member.email), "code": careful.recovery_codes[0]}
            assert (await http.post("/api/v1.0/user/auth/code", json=given)).status_code == 200

    async def test_whoever_has_no_second_factor_has_no_right_code(self, ada: Member) -> None:
        assert (await ada.http.get(f"{CHECK}/123456")).json() == {"status": False}

    async def test_nobody_else_may_ask(self, careful: Careful, visitor: httpx.AsyncClient, node: Node) -> None:
        code = careful.phone.code()
        assert_problem(await visitor.get(f"{CHECK}/{code}"), 401, "not_signed_in")
        async with enrol(node, "Stranger") as stranger:
            assert (await stranger.http.get(f"{CHECK}/{code}")).json() == {"status": False}
        async with visiting(node, careful.member.token) as revoked:
            await careful.http.delete("/api/v1.0/session")
            assert_problem(await revoked.get(f"{CHECK}/{code}"), 401, "not_signed_in")

    async def test_what_is_too_long_is_no_code(self, careful: Careful) -> None:
        assert_problem(await careful.http.get(f"{CHECK}/{'1' * 65}"), 400, "invalid")
        written = await careful.http.get(f"{CHECK}/{'%C3%A9' * 64}")  # 64 letters, however long they are in an address
        assert written.json() == {"status": False}
