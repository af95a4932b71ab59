"""How often one may try to sign in, and that nobody else pays for it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.people import PASSWORD, Member, assert_problem, enrol, visiting

PATHS = ("/api/v1.0/user/auth", "/api/v1.0/session")
HOME, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
async def strict(start: Start, redis: Redis) -> AsyncIterator[Node]:
    """A node behind a proxy that takes three wrong passwords, and eight tries of all from one address."""
    await forget_tries(redis)
    async with start(sign_in_failures=3, sign_in_per_minute=8, trusted_proxies=("127.0.0.1/32",)) as node:
        yield node
    await forget_tries(redis)


async def forget_tries(redis: Redis) -> None:
    if keys := [key async for key in redis.scan_iter("folkmoot:limit:*")]:
        await redis.delete(*keys)


async def attempt(
    node: Node, email: str, password: str, address: str = HOME, path: str = PATHS[0], **headers: str
) -> httpx.Response:
    async with visiting(node) as http:
        return await http.post(
            path, json={"email": email, "password": password}, headers={"X-Real-IP": address, **headers}
        )


@pytest.mark.parametrize("path", PATHS)
async def test_guessing_ends_with_429_that_says_how_long_to_wait(strict: Node, ada: Member, path: str) -> None:
    for _ in range(3):
        assert_problem(await attempt(strict, ada.email, "not hers", path=path), 401, "wrong_credentials")
    answer = await attempt(strict, ada.email, "not hers", path=path)
    problem = assert_problem(answer, 429, "too_many")
    assert 800 < int(answer.headers["retry-after"]) <= 901
    assert problem["detail"] == "Too many tries. Wait 15 minutes and try again."


async def test_the_right_password_does_not_help_past_the_limit(strict: Node, ada: Member) -> None:
    for _ in range(3):
        await attempt(strict, ada.email, "not hers")
    assert_problem(await attempt(strict, ada.email, PASSWORD), 429, "too_many")


async def test_other_addresses_and_other_accounts_go_on(strict: Node, ada: Member, bob: Member) -> None:
    for _ in range(4):
        await attempt(strict, ada.email, "not hers")
    assert (await attempt(strict, ada.email, PASSWORD, ELSEWHERE)).status_code == 200
    assert (await attempt(strict, bob.email, PASSWORD, HOME)).status_code == 200


async def test_the_spelling_of_the_address_gives_no_further_tries(strict: Node, ada: Member) -> None:
    for spelling in (ada.email, ada.email.upper(), ada.email.title()):
        await attempt(strict, spelling, "not hers")
    assert_problem(await attempt(strict, ada.email.swapcase(), "not hers"), 429, "too_many")


async def test_an_unknown_account_is_limited_like_a_known_one(strict: Node) -> None:
    answers = [await attempt(strict, "nobody@example.org", "not theirs") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


async def test_a_success_forgives_the_failures_before_it(strict: Node, ada: Member) -> None:
    for password in ("not hers", "not hers", PASSWORD, "not hers", "not hers", PASSWORD):
        assert (await attempt(strict, ada.email, password)).status_code in (200, 401)


async def test_spraying_many_accounts_from_one_address_ends(strict: Node) -> None:
    answers = [await attempt(strict, f"person{n}@example.org", "Password1") for n in range(9)]
    assert [answer.status_code for answer in answers] == [401] * 8 + [429]


async def test_the_addresses_of_one_ipv6_household_count_as_one(strict: Node) -> None:
    answers = [
        await attempt(strict, f"person{n}@example.org", "Password1", f"2001:db8:1:1::{n + 1:x}") for n in range(9)
    ]
    assert answers[-1].status_code == 429
    assert (await attempt(strict, "x@example.org", "Password1", "2001:db8:1:2::1")).status_code == 401


async def test_an_address_that_no_trusted_proxy_vouches_for_is_not_believed(start: Start, redis: Redis) -> None:
    await forget_tries(redis)
    async with start(sign_in_per_minute=3) as node:
        answers = [
            await attempt(node, f"p{n}@example.org", "Password1", f"192.0.2.{n}", **{"X-Forwarded-For": f"192.0.2.{n}"})
            for n in range(4)
        ]
    await forget_tries(redis)
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


async def test_malformed_tries_are_not_counted(strict: Node, ada: Member) -> None:
    for _ in range(10):
        assert_problem(await attempt(strict, "nonsense", "x"), 400, "invalid")
    assert (await attempt(strict, ada.email, PASSWORD)).status_code == 200


async def test_two_nodes_count_together(strict: Node, start: Start, ada: Member) -> None:
    async with start(sign_in_failures=3, trusted_proxies=("127.0.0.1/32",)) as other:
        for node in (strict, other, strict):
            assert (await attempt(node, ada.email, "not hers")).status_code == 401
        assert (await attempt(other, ada.email, "not hers")).status_code == 429


async def test_without_redis_the_limits_still_hold(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with start(redis_url=url, sign_in_failures=3) as node, enrol(node, "Eve") as eve:
        await relay.cut()
        answers = [await attempt(node, eve.email, "not hers") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


async def test_counters_leave_redis_by_themselves_and_name_no_account(
    strict: Node, ada: Member, redis: Redis, settings: Settings
) -> None:
    await attempt(strict, ada.email, "not hers")
    keys = [key async for key in redis.scan_iter("folkmoot:limit:*")]
    assert len(keys) == 3
    assert sorted([await redis.ttl(key) for key in keys])[1] <= settings.sign_in_window_s
    for key in keys:
        assert 0 < await redis.ttl(key) <= 86_400
        assert ada.email.encode() not in key
