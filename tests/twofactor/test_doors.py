"""A challenge is good for giving a code, and for nothing else: it is no token at any door."""

import re

import httpx
import pytest

from folkmoot.app import Node
from folkmoot.modules import BUILT_IN
from folkmoot.routes import load_routes
from tests.people import assert_problem, visiting
from tests.realtime.test_echo import echo, end_of
from tests.realtime.test_gate import handshake_status
from tests.realtime.wire import wired
from tests.rpc.words import bearer, channel_to, outcome
from tests.twofactor.phone import Careful, challenge_of


@pytest.fixture(params=["/api/v1.0/user/auth", "/api/v1.0/session"])
async def challenge(request: pytest.FixtureRequest, node: Node, careful: Careful) -> str:
    return await challenge_of(node, careful.member.email, request.param)


async def test_no_address_takes_it_for_a_token(node: Node, challenge: str) -> None:
    routes = [route for route in load_routes(BUILT_IN) if route.action.access.value != "anyone"]
    assert len(routes) > 40
    async with visiting(node, challenge) as http:
        for route in routes:
            for prefix in ("", "/api"):
                path = prefix + re.sub(r"{\w+}", "1", route.path)
                answer = await http.request(route.method, path, json={} if route.method in ("POST", "PUT") else None)
                assert_problem(answer, 401, "not_signed_in")
        for action in node.core.registry.callable:
            for kind in ("actions/", ""):
                answer = await http.post(f"/api/v1.0/{kind}{action.module}/{action.name}", json={})
                assert answer.status_code in (401, 405), (action.method, "a REST address is in the way of some")


async def test_no_cookie_is_made_of_it(node: Node, challenge: str) -> None:
    async with visiting(node) as http:
        http.cookies.set("sid", challenge, domain="127.0.0.1")
        http.headers["X-Requested-With"] = "folkmoot"
        for method, path in (("GET", "session"), ("GET", "rooms"), ("POST", "second-factor"), ("DELETE", "session")):
            assert_problem(await http.request(method, f"/api/v1.0/{path}"), 401, "not_signed_in")


async def test_no_socket_opens_with_it(node: Node, challenge: str) -> None:
    async with wired(node.port) as wire:
        await wire.say({"id": 1, "connect": {"token": challenge}})
        assert await wire.expect_close() == 3500
    cookie = f"sid={challenge}"
    assert await handshake_status(node, origin="http://folkmoot.test", cookie=cookie) == 401
    async with echo(node, challenge) as socket:
        assert (await end_of(socket))[0] not in (None, 1000)


async def test_no_call_of_grpc_takes_it(node: Node, challenge: str) -> None:
    async with channel_to(node) as channel:
        for method in ("Send", "History", "Subscribe", "Call", "None"):
            told = await outcome(channel, f"/folkmoot.v1.Folkmoot/{method}", bearer(challenge))
            assert told == ("UNAUTHENTICATED", "not_signed_in")


async def test_a_session_is_no_challenge(careful: Careful, visitor: httpx.AsyncClient) -> None:
    given = {"challenge": careful.member.token, "code": careful.recovery_codes[0]}
    for path in ("user/auth/code", "session/code"):
        assert_problem(await visitor.post(f"/api/v1.0/{path}", json=given), 401, "challenge_over")
