"""S12: guessing at one account from everywhere gets nowhere, and does not keep its owner out."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot import bus, limits
from folkmoot.app import Node
from folkmoot.errors import TooMany
from folkmoot.modules.accounts import passwords
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.http.test_limits import forget_tries
from tests.people import NO_TLS, PASSWORD, Member, assert_problem, browsing, enrol

SESSION = "/api/v1.0/session"
DEFAULTS = {
    "sign_in_failures": 5,
    "sign_in_per_minute": 20,
    "sign_in_account_failures": 10,
    "sign_in_most_failures": 100,
}
SOON = {**DEFAULTS, "sign_in_account_failures": 3, "sign_in_most_failures": 3}


@pytest.fixture
async def strict(start: Start, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    """A node with the limits of the product, where a slow Redis is not taken for one that is away."""
    monkeypatch.setattr(bus, "CALL_S", 30.0)
    await forget_tries(redis)
    async with start(**DEFAULTS) as node:
        yield node
    await forget_tries(redis)


@pytest.fixture
async def patient(start: Start, redis: Redis) -> AsyncIterator[Node]:
    """A node where the third wrong password in a row means a day's wait: no test is so slow that it is over."""
    await forget_tries(redis)
    async with start(**SOON) as node:
        yield node
    await forget_tries(redis)


@asynccontextmanager
async def somewhere(node: Node, number: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose connections really come from a loopback address of its own."""
    transport = httpx.AsyncHTTPTransport(local_address=f"127.0.0.{number}", verify=NO_TLS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", transport=transport) as client:
        yield client


async def guess(http: httpx.AsyncClient, email: str, password: str = "not hers at all") -> httpx.Response:  # noqa: S107
    return await http.post(SESSION, json={"email": email, "password": password})


async def test_a_thousand_guesses_from_fifty_addresses(
    strict: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    fits = passwords._fits

    def counted(stored: str, password: str) -> bool:
        checked.append(password)
        return fits(stored, password)

    async def attack(number: int) -> list[httpx.Response]:
        async with somewhere(strict, number) as http:
            return [await guess(http, ada.email, f"guess {number} {n}") for n in range(20)]

    async with browsing(strict) as known:
        await known.sign_in(ada.email)
        monkeypatch.setattr(passwords, "_fits", counted)
        answers = [answer for some in await asyncio.gather(*map(attack, range(101, 151))) for answer in some]
        assert len(answers) == 1000
        assert {answer.status_code for answer in answers} == {401, 429}
        guessed = [password for password in checked if password.startswith("guess")]
        # Ten are free; then a second, two, four … lie between, so few more fit into however long this took.
        assert 10 <= len(guessed) <= 20
        assert (await known.sign_in(ada.email)).status_code == 200, "her own browser gets in"


async def test_who_must_wait_uses_nothing_up(patient: Node, ada: Member, redis: Redis) -> None:
    await fail(patient, ada.email, 101, 102, 103)
    async with somewhere(patient, 104) as http:
        for _ in range(8):  # more than one address may try
            refused = await guess(http, ada.email, PASSWORD)
            assert_problem(refused, 429, "too_many")
            assert 86_000 < int(refused.headers["retry-after"]) <= 86_401
        for key in [key async for key in redis.scan_iter("folkmoot:limit:sign-in:account:*")]:
            await redis.hset(key, "at", 0)  # a day later
        assert (await guess(http, ada.email, PASSWORD)).status_code == 200
        # Being let in forgives the failures before it.
        assert (await guess(http, ada.email)).status_code == 401


async def test_a_known_browser_is_limited_too_by_itself(strict: Node, ada: Member) -> None:
    async with browsing(strict) as known, browsing(strict) as other:
        for browser in (known, other):
            await browser.sign_in(ada.email)
        answers = [await guess(known.http, ada.email) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert (await other.sign_in(ada.email)).status_code == 200


async def fail(node: Node, email: str, *numbers: int) -> None:
    """A wrong password from each of these addresses."""
    for number in numbers:
        async with somewhere(node, number) as http:
            assert (await guess(http, email)).status_code == 401


async def test_somebody_elses_browser_is_a_stranger(patient: Node, ada: Member, bob: Member) -> None:
    async with browsing(patient) as of_bob:
        await of_bob.sign_in(bob.email)
        device = of_bob.http.cookies["device"]
        await fail(patient, ada.email, 101, 102, 103)
        of_bob.http.cookies.clear()
        for token in (device, "x" * 43, "x" * 5000, ""):
            answer = await of_bob.http.post(
                SESSION, json={"email": ada.email, "password": PASSWORD}, headers={"Cookie": f"device={token}"}
            )
            assert_problem(answer, 429, "too_many")


async def test_an_unknown_account_is_slowed_down_alike(patient: Node) -> None:
    await fail(patient, "nobody@example.org", 101, 102, 103)
    async with somewhere(patient, 104) as http:
        assert_problem(await guess(http, "nobody@example.org"), 429, "too_many")


async def test_two_nodes_slow_down_together(patient: Node, start: Start, ada: Member) -> None:
    async with start(**SOON) as other:
        await fail(patient, ada.email, 101)
        await fail(other, ada.email, 102, 103)
        async with somewhere(patient, 104) as http:
            assert_problem(await guess(http, ada.email, PASSWORD), 429, "too_many")


async def test_without_redis_it_still_slows_down(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with start(**{**SOON, "redis_url": url}) as node, enrol(node, "Eve") as eve:
        await relay.cut()
        await fail(node, eve.email, 101, 102, 103)
        async with somewhere(node, 104) as http:
            assert_problem(await guess(http, eve.email, PASSWORD), 429, "too_many")


@pytest.mark.parametrize("is_up", [True, False])
async def test_the_wait_doubles_up_to_its_longest_and_a_day_forgets(
    strict: Node, is_up: bool, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    """The same numbers from the script in Redis and from the process alone."""
    pace, limiter, key = limits.Pace(free=2, longest_s=8, most=7), strict.core.limiter, f"pace {is_up}"
    if not is_up:

        async def nothing(question: object) -> None:
            question.close()  # type: ignore[attr-defined]  # a coroutine that nobody waits for

        monkeypatch.setattr(strict.core.bus, "ask", nothing)
    waits = []
    for failures in range(9):
        await limiter_at(strict, redis, key, failures, is_up=is_up)
        try:
            await limiter.slow_down(key, pace)
            waits.append(0)
        except TooMany as error:
            waits.append(error.retry_after_s or 0)
    assert waits[:2] == [0, 0]
    for wait, expected in zip(waits[2:7], (1, 2, 4, 8, 8), strict=True):
        assert expected <= wait <= expected + 1
    assert waits[7] == waits[8]
    assert 86_390 < waits[8] <= 86_401


async def limiter_at(node: Node, redis: Redis, key: str, failures: int, *, is_up: bool) -> None:
    """Puts an account where it is after so many failures, the last just now."""
    if not is_up:
        node.core.limiter._keep_here(key, failures, time.monotonic() + limits.DAY_S)
        return
    now = await redis.time()
    given: dict[Any, Any] = {"failures": failures, "at": now[0] * 1000 + now[1] // 1000}
    await redis.hset(f"folkmoot:limit:{key}", mapping=given)
