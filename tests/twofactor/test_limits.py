"""Codes are few, so tries are: by account, over all nodes, also without Redis; and nobody is locked out for good."""

import httpx
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.app import Node
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.people import assert_problem, visiting
from tests.twofactor.phone import KEYS, Careful, challenge_of

CODE, CHECK = "/api/v1.0/user/auth/code", "/api/v1.0/totp/check"


async def fail(http: httpx.AsyncClient, times: int) -> None:
    for _ in range(times):
        assert (await http.get(f"{CHECK}/000000")).json() == {"status": False}


async def test_after_five_wrong_codes_the_password_is_asked_for_anew(
    node: Node, careful: Careful, visitor: httpx.AsyncClient, redis: Redis
) -> None:
    challenge = await challenge_of(node, careful.member.email)
    for _ in range(4):
        assert_problem(await visitor.post(CODE, json={"challenge": challenge, "code": "000000"}), 403, "wrong_code")
    await fail(careful.http, 1)  # whoever tries elsewhere is counted with it
    refused = await visitor.post(CODE, json={"challenge": challenge, "code": careful.phone.code()})
    assert_problem(refused, 429, "too_many")
    assert refused.json()["valid"] is False
    assert 1 <= int(refused.headers["retry-after"]) <= 301
    await redis.delete(f"folkmoot:limit:totp:{careful.member.id}")  # the window has passed
    again = {"challenge": challenge, "code": careful.recovery_codes[0]}
    assert_problem(await visitor.post(CODE, json=again), 401, "challenge_over")


async def test_a_right_code_begins_the_count_anew(careful: Careful) -> None:
    await fail(careful.http, 4)
    assert (await careful.http.get(f"{CHECK}/{careful.phone.code()}")).json() == {"status": True}
    await fail(careful.http, 5)
    assert_problem(await careful.http.get(f"{CHECK}/000000"), 429, "too_many")


async def test_a_stranger_who_spends_the_tries_does_not_shut_the_owner_out(node: Node, careful: Careful) -> None:
    """Whoever knows the password can spend all tries of codes, but not those of recovery codes from elsewhere."""
    await fail(careful.http, 5)
    async with visiting(node) as http:
        given = {"challenge": await challenge_of(node, careful.member.email), "code": careful.recovery_codes[0]}
        assert (await http.post(CODE, json=given)).status_code == 200


async def test_recovery_codes_are_counted_too(node: Node, careful: Careful) -> None:
    async with visiting(node) as http:
        challenge = await challenge_of(node, careful.member.email)
        for number in range(5):
            wrong = {"challenge": challenge, "code": f"aaaa-{number}"}
            assert_problem(await http.post(CODE, json=wrong), 403, "wrong_code")
        fresh = {"challenge": await challenge_of(node, careful.member.email), "code": careful.recovery_codes[0]}
        assert_problem(await http.post(CODE, json=fresh), 429, "too_many")


async def test_two_nodes_count_together(node: Node, start: Start, careful: Careful) -> None:
    async with start(keys=SecretStr(KEYS)) as other, visiting(other, careful.member.token) as there:
        await fail(careful.http, 3)
        await fail(there, 2)
        for http in (there, careful.http):
            assert_problem(await http.get(f"{CHECK}/000000"), 429, "too_many")


async def test_without_redis_there_is_still_a_limit_and_still_a_way_in(
    start: Start, careful: Careful, redis_relay: tuple[Proxy, SecretStr]
) -> None:
    relay, url = redis_relay
    async with start(keys=SecretStr(KEYS), redis_url=url) as alone, visiting(alone) as http:
        await relay.cut()
        given = {"challenge": await challenge_of(alone, careful.member.email), "code": careful.phone.code()}
        answer = await http.post(CODE, json=given)
        assert answer.status_code == 200, answer.text
        again = {"challenge": await challenge_of(alone, careful.member.email), "code": given["code"]}
        assert_problem(await http.post(CODE, json=again), 403, "wrong_code")
        async with visiting(alone, answer.json()["data"]["access_token"]) as signed_in:
            await fail(signed_in, 4)
            assert_problem(await signed_in.get(f"{CHECK}/000000"), 429, "too_many")
