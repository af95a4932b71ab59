"""Whoever's way to sign in has changed is told by a letter, so that they notice what they did not do."""

import httpx

from folkmoot.actions import Call
from folkmoot.app import Node
from folkmoot.commands import OPERATOR
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.twofactor.actions import reset
from tests.people import PASSWORD, assert_problem, enrol
from tests.postbox import Postbox, text_of
from tests.twofactor.phone import challenge_of, turn_on

FACTOR = "/api/v1.0/second-factor"


async def test_each_change_of_how_one_signs_in_is_told(node: Node, mailbox: Postbox) -> None:
    told: list[str] = []

    async with enrol(node, "Ada") as ada:

        async def tells(words: str) -> str:
            """The next letter, which says so."""
            letters = await mailbox.wait_for(len(told) + 1, ada.email)
            told.append(words)
            assert len(letters) == len(told)
            said = text_of(letters[-1])
            assert words in " ".join(said.split())
            assert "the address" in said
            return said

        careful = await turn_on(ada)
        secrets = [careful.phone.secret, *careful.recovery_codes]
        said = await tells("Two-step sign-in was turned on for your account")
        assert not any(secret in said for secret in secrets)

        assert (await ada.http.post(f"{FACTOR}/recovery-codes")).status_code == 200
        await tells("New recovery codes were made")
        fresh = (await ada.http.post(f"{FACTOR}/recovery-codes")).json()["recovery_codes"]
        await tells("New recovery codes were made")

        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as http:
            given = {"challenge": await challenge_of(node, ada.email), "code": fresh[0]}
            assert (await http.post("/api/v1.0/user/auth/code", json=given)).status_code == 200
        await tells("with its password and a recovery code")

        answer = await ada.http.post("/api/v1.0/tokens", json={"name": "Backup", "scopes": ["rooms"]})
        assert answer.json()["token"] not in await tells("An access token was made")

        off = {"password": PASSWORD, "code": fresh[1]}
        assert (await ada.http.post(f"{FACTOR}/off", json=off)).status_code == 204
        await tells("was turned off for your account")

        await turn_on(ada)
        await tells("was turned on")
        assert await reset(Call(node.core, OPERATOR, address="local"), ada.id)
        await tells("turned off two-step sign-in for your account")
        assert_problem(await ada.http.get("/api/v1.0/session"), 401, "not_signed_in")

        given = {"user_id": ada.id, "password": "another horse battery"}
        await accounts.set_password.perform(Call(node.core, OPERATOR, address="local"), given)
        await tells("An admin gave your account")


async def test_what_came_to_nothing_is_told_to_nobody(node: Node, mailbox: Postbox) -> None:
    async with enrol(node, "Bob") as bob:
        assert (await bob.http.post(FACTOR)).status_code == 201
        wrong = await bob.http.post(f"{FACTOR}/confirm", json={"code": "000000"})
        assert_problem(wrong, 403, "wrong_code")
        await turn_on(bob)
        letters = await mailbox.wait_for(1, bob.email)
        assert "turned on" in text_of(letters[0])
        assert len(letters) == 1
