"""How much one user may ask over HTTP, on all nodes together, and without asking Redis each time."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import httpx
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.app import Node
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.people import Member, assert_problem, enrol, visiting
from tests.realtime.wire import wired
from tests.rpc.words import Program, channel_to

ROOMS = "/api/v1.0/rooms"


@pytest.fixture
async def strict(start: Start) -> AsyncIterator[Node]:
    """A node where somebody may ask twenty times at once, and then once in a second."""
    async with start(actions_per_s=1, actions_burst=20) as node:
        yield node


async def ask(http: httpx.AsyncClient, times: int, path: str = ROOMS) -> list[int]:
    method = "POST" if "actions" in path else "GET"
    return [(await http.request(method, path)).status_code for _ in range(times)]


@pytest.mark.parametrize("path", [ROOMS, "/api/v1.0/actions/rooms/mine", "/api/v1.0/rooms/mine"])
async def test_past_the_burst_somebody_must_wait(strict: Node, path: str) -> None:
    async with enrol(strict, "Eve") as eve, enrol(strict, "Bob") as bob:
        method = "GET" if path == ROOMS else "POST"
        statuses = [(await eve.http.request(method, path)).status_code for _ in range(40)]
        assert statuses[:20] == [200] * 20
        assert statuses.count(429) >= 10
        refused = await eve.http.request(method, path)
        if refused.status_code == 200:  # a second has passed
            refused = await eve.http.request(method, path)
        assert_problem(refused, 429, "too_many")
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert await ask(bob.http, 3) == [200, 200, 200], "nobody else waits for it"


async def test_after_the_wait_it_goes_on(strict: Node) -> None:
    async with enrol(strict, "Eve") as eve:
        while (answer := await eve.http.get(ROOMS)).status_code == 200:
            continue
        async with asyncio.timeout(20):
            while answer.status_code != 200:
                await asyncio.sleep(0.05)
                answer = await eve.http.get(ROOMS)


async def test_two_nodes_count_together(strict: Node, start: Start) -> None:
    async with (
        start(actions_per_s=1, actions_burst=20) as other,
        enrol(strict, "Eve") as eve,
        visiting(other, eve.token) as there,
    ):
        statuses = [status for _ in range(20) for http in (eve.http, there) for status in await ask(http, 1)]
    assert statuses.count(200) <= 30, "one bucket, and what came back while this went on"


async def test_most_requests_ask_redis_nothing(start: Start, redis: Redis) -> None:
    async with start(actions_per_s=20, actions_burst=60) as node, enrol(node, "Eve") as eve:
        allowance = node.core.allowance
        asked = 0
        borrow = allowance._borrow

        async def counted(**given: object) -> object:
            nonlocal asked
            asked += 1
            return await borrow(**given)  # type: ignore[arg-type]

        allowance._borrow = counted  # type: ignore[assignment]
        assert await ask(eve.http, 30) == [200] * 30
        assert asked <= 6
        assert 0 < await redis.pttl(f"folkmoot:allowance:{eve.id}") <= 4_000


async def test_without_redis_each_node_has_a_bucket(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with start(redis_url=url, actions_per_s=1, actions_burst=20) as node, enrol(node, "Eve") as eve:
        await relay.cut()
        async with asyncio.timeout(10):
            while node.core.bus.is_up:
                await asyncio.sleep(0.02)
        statuses = await ask(eve.http, 40)
    assert statuses[:20] == [200] * 20
    assert 429 in statuses


async def test_strangers_are_told_that_they_are_strangers(strict: Node, ada: Member) -> None:
    async with visiting(strict, "nonsense") as http:
        assert await ask(http, 25) == [401] * 25


# -- what costs more


EXPORT = "/api/v1.0/actions/audit/export"


async def test_what_reads_much_counts_as_many_requests(strict: Node) -> None:
    async with enrol(strict, "Root", "admin") as root:
        assert await ask(root.http, 2, EXPORT) == [200, 200]
        refused = await root.http.post(EXPORT)
        assert_problem(refused, 429, "too_many")
        assert 1 <= int(refused.headers["retry-after"]) <= 11


async def test_what_costs_little_goes_on_where_what_costs_much_must_wait(strict: Node) -> None:
    async with enrol(strict, "Root", "admin") as root:
        assert await ask(root.http, 1, EXPORT) == [200]
        assert await ask(root.http, 5) == [200] * 5
        assert await ask(root.http, 1, EXPORT) == [429]
        assert await ask(root.http, 3) == [200] * 3


async def test_many_at_once_are_not_cheaper(strict: Node) -> None:
    async with enrol(strict, "Root", "admin") as root:
        answers = await asyncio.gather(*(root.http.post(EXPORT) for _ in range(12)))
        assert sorted({answer.status_code for answer in answers}) == [200, 429]
        assert [answer.status_code for answer in answers].count(200) <= 2


async def test_it_costs_as_much_on_the_socket_and_over_grpc(start: Start) -> None:
    async with (
        start(actions_per_s=1, actions_burst=20, grpc_port=0) as node,
        enrol(node, "Root", "admin") as root,
        wired(node.port, root.token) as wire,
        channel_to(node) as channel,
    ):
        program = Program(channel, root.token)
        await wire.rpc("audit.export")
        await program.call("audit", "export")
        assert await wire.refused("rpc", method="audit.export") == 111
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await program.call("audit", "export")
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert await ask(root.http, 1, EXPORT) == [429]
        for _ in range(30):
            await wire.rpc("rooms.mine")  # what costs nothing more is not asked for here


async def test_who_may_not_pays_nothing_for_it(strict: Node) -> None:
    async with enrol(strict, "Eve") as eve:
        assert await ask(eve.http, 10, EXPORT) == [403] * 10


async def test_without_redis_it_costs_as_much(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with start(redis_url=url, actions_per_s=1, actions_burst=20) as node, enrol(node, "Root", "admin") as root:
        await relay.cut()
        async with asyncio.timeout(10):
            while node.core.bus.is_up:
                await asyncio.sleep(0.02)
        statuses = await ask(root.http, 4, EXPORT)
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
