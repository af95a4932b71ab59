"""Where the operator requires a second factor, whoever has none can turn one on, and do nothing else till then."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.modules import BUILT_IN
from folkmoot.routes import load_routes
from tests.conftest import Start
from tests.people import PASSWORD, Member, assert_problem, browsing, enrol, enrol_bot, token_of, visiting
from tests.realtime.test_gate import handshake_status
from tests.realtime.wire import wired
from tests.rpc.words import bearer, channel_to, outcome
from tests.twofactor.phone import KEYS, first_step, turn_on

FACTOR = "/api/v1.0/second-factor"
WHILE_ENROLLING = {
    "sessions.current", "sessions.sign_out", "sessions.confirm", "twofactor.state", "twofactor.enrol",
    "twofactor.confirm",
}  # fmt: skip


@pytest.fixture(scope="module")
async def strict(start: Start) -> AsyncIterator[Node]:
    async with start(keys=SecretStr(KEYS), second_factor="all", grpc_port=0) as started:
        yield started


async def test_what_is_open_meanwhile_is_what_is_listed() -> None:
    actions = [route.action for route in load_routes(BUILT_IN)]
    assert {action.method for action in actions if action.while_enrolling} == WHILE_ENROLLING


async def test_nothing_else_is_open(strict: Node) -> None:
    async with enrol(strict, "Root", "admin") as root:
        closed = [route for route in load_routes(BUILT_IN) if route.action.access.value != "anyone"]
        closed = [route for route in closed if route.action.method not in WHILE_ENROLLING]
        assert len(closed) > 40
        for route in closed:
            answer = await root.http.request(route.method, "/api" + route.path.replace("{", "").replace("}", ""))
            assert_problem(answer, 403, "second_factor_required")
        for action in strict.core.registry.callable:
            if action.method not in WHILE_ENROLLING:
                answer = await root.http.post(f"/api/v1.0/actions/{action.module}/{action.name}", json={})
                assert_problem(answer, 403, "second_factor_required")


async def test_no_socket_and_no_call_of_grpc_is_open(strict: Node) -> None:
    async with enrol(strict, "Ada") as ada:
        async with wired(strict.port) as wire:
            await wire.say({"id": 1, "connect": {"token": ada.token}})
            assert (await wire.reply(1))["error"]["code"] == 103
        async with browsing(strict) as browser:
            answer = await browser.sign_in(ada.email)
            assert answer.json()["must_enrol"] is True
            cookie = f"sid={browser.token}"
            assert await handshake_status(strict, origin="http://folkmoot.test", cookie=cookie) == 403
        async with channel_to(strict) as channel:
            for method in ("Send", "History", "Subscribe", "Call"):
                told = await outcome(channel, f"/folkmoot.v1.Folkmoot/{method}", bearer(ada.token))
                assert told == ("PERMISSION_DENIED", "second_factor_required")


async def test_turning_it_on_opens_everything(strict: Node) -> None:
    async with enrol(strict, "Ada") as ada:
        assert (await ada.http.get("/api/v1.0/session")).json()["must_enrol"] is True
        assert (await ada.http.get(FACTOR)).json()["required"] is True
        await turn_on(ada)
        assert (await ada.http.get("/api/v1.0/session")).json()["must_enrol"] is False
        room = await ada.make_room()
        async with wired(strict.port, ada.token) as wire:
            assert await wire.subscribe(f"room:{room}")


async def test_turning_it_off_signs_out_where_it_is_required(strict: Node) -> None:
    async with enrol(strict, "Ada") as ada:
        careful = await turn_on(ada)
        given = {"password": PASSWORD, "code": careful.recovery_codes[0]}
        assert (await ada.http.post(f"{FACTOR}/off", json=given)).status_code == 204
        assert_problem(await ada.http.get("/api/v1.0/session"), 401, "not_signed_in")
        async with visiting(strict) as http:
            token = (await first_step(http, ada.email)).json()["data"]["access_token"]
        async with visiting(strict, token) as http:
            assert_problem(await http.get("/api/v1.0/rooms"), 403, "second_factor_required")


async def test_of_admins_alone_it_can_be_required(start: Start) -> None:
    async with (
        start(keys=SecretStr(KEYS), second_factor="admins") as node,
        enrol(node, "Root", "admin") as root,
        enrol(node, "Ada") as ada,
    ):
        assert_problem(await root.http.get("/api/v1.0/rooms"), 403, "second_factor_required")
        assert (await ada.http.get("/api/v1.0/rooms")).status_code == 200
        assert (await ada.http.get("/api/v1.0/session")).json()["must_enrol"] is False


async def test_tokens_of_people_wait_too_and_bots_never(node: Node, strict: Node, admin: Member) -> None:
    """A token that was made before the operator required it holds again once its owner has turned it on."""
    async with enrol(node, "Ada") as ada, token_of(ada, "rooms") as token, visiting(strict) as there:
        there.headers["Authorization"] = token.headers["Authorization"]
        assert_problem(await there.get("/api/v1.0/rooms"), 403, "second_factor_required")
    async with enrol_bot(admin, "Clerk") as bot, visiting(strict, bot.token) as there:
        assert (await there.get("/api/v1.0/rooms")).status_code == 200
