"""What is sensitive asks again when the sign-in is old, and each confirmation gives another token."""

from typing import Any

import httpx
import pytest

from folkmoot.app import Node
from folkmoot.database import Connection
from folkmoot.modules import BUILT_IN
from folkmoot.modules.sessions.schemas import Grant, Renewal
from folkmoot.modules.twofactor.schemas import TurnedOn
from folkmoot.routes import Route, load_routes
from tests.conftest import Start
from tests.people import PASSWORD, Browser, Member, assert_problem, enrol, token_of, visiting
from tests.realtime.wire import wired
from tests.twofactor.phone import Careful

CONFIRM = "/api/v1.0/session/confirm"
FACTOR = "/api/v1.0/second-factor"
SENSITIVE = {
    "accounts.add", "accounts.set_password", "accounts.disable", "accounts.enable", "bots.add", "bots.issue_token",
    "audit.export", "tokens.issue", "twofactor.enrol", "twofactor.confirm", "twofactor.renew_recovery_codes",
    "twofactor.turn_off",
}  # fmt: skip


async def grow_old(database: Connection, member: Member, minutes: float = 11) -> None:
    """Before the token is used for the first time: a copy of its session is kept for a minute."""
    await database.execute(
        "UPDATE sessions SET confirmed_at = now() - make_interval(mins => $2) WHERE user_id = $1",
        member.id,
        int(minutes),
    )


async def ask(http: httpx.AsyncClient, route: Route) -> httpx.Response:
    path = "/api" + route.path.replace("{user_id}", "999999").replace("{bot_id}", "999999")
    return await http.request(route.method, path, json={})


def sensitive() -> list[Route]:
    return [route for route in load_routes(BUILT_IN) if route.action.is_sensitive]


async def test_what_is_sensitive_is_what_is_listed() -> None:
    assert {route.action.method for route in sensitive()} == SENSITIVE


async def test_an_old_sign_in_must_be_confirmed_for_each_of_them(node: Node, database: Connection) -> None:
    async with enrol(node, "Root", "admin") as root:
        await grow_old(database, root)
        for route in sensitive():
            assert_problem(await ask(root.http, route), 403, "reauth_required")
        for route in sensitive():
            if route.action.has_doors:
                path = f"/api/v1.0/actions/{route.action.module}/{route.action.name}"
                assert_problem(await root.http.post(path, json={}), 403, "reauth_required")
        assert (await root.http.get("/api/v1.0/accounts")).status_code == 200, "looking is not changing"
        await confirm(root)
        for route in sensitive():
            answer = await ask(root.http, route)
            assert answer.status_code != 403 or answer.json()["code"] != "reauth_required", route


async def confirm(member: Member, **given: str) -> dict[str, Any]:
    answer = await member.http.post(CONFIRM, json=given or {"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    member.token = answer.json()["access_token"]
    member.http.headers["Authorization"] = f"Bearer {member.token}"
    return dict(answer.json())


async def test_a_sign_in_of_nine_minutes_is_young(ada: Member, database: Connection) -> None:
    await grow_old(database, ada, minutes=9)
    assert (await ada.http.post("/api/v1.0/tokens", json={"name": "x", "scopes": ["rooms"]})).status_code == 201


async def test_confirming_gives_another_token_and_the_old_one_is_dead(node: Node, ada: Member) -> None:
    before = ada.token
    assert (await ada.http.get("/api/v1.0/session")).status_code == 200, "so that there is a copy to forget"
    answer = await confirm(ada)
    assert ada.token != before
    assert answer["session"]["id"] == (await ada.http.get("/api/v1.0/session")).json()["session"]["id"]
    async with visiting(node, before) as old:
        assert_problem(await old.get("/api/v1.0/session"), 401, "not_signed_in")
        assert_problem(await old.post(CONFIRM, json={"password": PASSWORD}), 401, "not_signed_in")


async def test_a_browser_is_confirmed_by_its_cookie(browser: Browser, database: Connection, ada: Member) -> None:
    before = browser.token
    await grow_old(database, ada)
    assert_problem(await browser.http.post(FACTOR), 403, "reauth_required")
    answer = await browser.http.post(CONFIRM, json={"password": PASSWORD})
    assert answer.status_code == 200
    assert answer.json()["access_token"] is None
    assert browser.token not in answer.text
    assert browser.token != before
    assert (await browser.http.post(FACTOR)).status_code == 201


async def test_a_code_confirms_too(careful: Careful, database: Connection) -> None:
    await grow_old(database, careful.member)
    assert_problem(await careful.http.post(f"{FACTOR}/recovery-codes"), 403, "reauth_required")
    assert_problem(await careful.http.post(CONFIRM, json={"code": "000000"}), 403, "wrong_code")
    await confirm(careful.member, code=careful.phone.code())
    answer = await confirm(careful.member, code=careful.recovery_codes[0])
    assert answer["session"]["made_with"] == ["password", "totp", "recovery"]
    assert (await careful.http.post(f"{FACTOR}/recovery-codes")).status_code == 200


async def test_nobody_confirms_with_what_is_wrong(node: Node, ada: Member, visitor: httpx.AsyncClient) -> None:
    assert_problem(await ada.http.post(CONFIRM, json={"password": "not hers at all"}), 403, "wrong_password")
    assert_problem(await ada.http.post(CONFIRM, json={"code": "123456"}), 403, "wrong_code")
    assert_problem(await visitor.post(CONFIRM, json={"password": PASSWORD}), 401, "not_signed_in")
    async with token_of(ada, "all") as token:
        assert_problem(await token.post(CONFIRM, json={"password": PASSWORD}), 403, "insufficient_scope")
    async with visiting(node, ada.token) as revoked:
        await ada.http.delete("/api/v1.0/session")
        assert_problem(await revoked.post(CONFIRM, json={"password": PASSWORD}), 401, "not_signed_in")


@pytest.mark.parametrize(
    "given",
    [{}, {"password": None}, {"password": PASSWORD, "code": "1"}, {"password": ""}, {"password": "x" * 257}, {"x": 1}],
)
async def test_what_is_no_confirmation_is_refused(ada: Member, given: dict[str, object]) -> None:
    assert_problem(await ada.http.post(CONFIRM, json=given), 400, "invalid")


async def test_another_page_confirms_nothing(browser: Browser) -> None:
    del browser.http.headers["X-Requested-With"]
    assert_problem(await browser.http.post(CONFIRM, json={"password": PASSWORD}), 403, "forbidden")


async def test_a_token_made_for_accounts_is_not_asked_again(node: Node, database: Connection) -> None:
    """Somebody made it for that, with a young sign-in; a program cannot be asked."""
    async with enrol(node, "Root", "admin") as root, token_of(root, "accounts") as token:
        await grow_old(database, root)
        given = {"email": f"bob-{root.id}@example.org", "name": "Bob", "password": PASSWORD}
        assert (await token.post("/api/v1.0/accounts", json=given)).status_code == 201


async def test_guessing_the_password_of_an_open_session_is_limited(start: Start, ada: Member) -> None:
    async with start(sign_in_failures=3) as strict, visiting(strict, ada.token) as http:
        for _ in range(3):
            assert_problem(await http.post(CONFIRM, json={"password": "not hers at all"}), 403, "wrong_password")
        refused = await http.post(CONFIRM, json={"password": PASSWORD})
        assert_problem(refused, 429, "too_many")
        assert int(refused.headers["retry-after"]) > 0


async def test_no_action_that_gives_a_sign_in_has_another_door_than_rest() -> None:
    """Its answer holds a token, which a browser's page must not see: only the REST address puts it into the cookie."""
    giving = [route.action for route in load_routes(BUILT_IN) if route.action.gives in (Grant, Renewal, TurnedOn)]
    assert len(giving) >= 6
    assert not [action.method for action in giving if action.has_doors]


async def test_sockets_stay_open_when_the_token_changes(node: Node, ada: Member) -> None:
    async with wired(node.port, ada.token) as wire:
        await confirm(ada)
        assert "rooms" in await wire.rpc("rooms.mine")
        assert (await ada.http.delete("/api/v1.0/session")).status_code == 204
        assert await wire.expect_close() == 3503
