"""The counter: it counts in Redis, and without Redis it says what is wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from folkmoot.laptop.binaries import find_valkey
from tests.examples.programs import START_S, Program, gunicorn, program, service


@asynccontextmanager
async def valkey() -> AsyncIterator[tuple[Program, int]]:
    options = ("--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    async with program("hits", str(find_valkey().path), *options) as started:
        port = int(started.address.rpartition(":")[2])
        async with Redis(port=port) as redis, asyncio.timeout(START_S):
            while not await answers(redis):
                await asyncio.sleep(0.02)
        yield started, port


async def answers(redis: Redis) -> bool:
    try:
        return bool(await redis.ping())
    except RedisError:
        return False


async def test_each_visit_adds_one() -> None:
    async with (
        valkey() as (_, port),
        service("hits", *gunicorn("--workers", "2"), path="/livez", REDIS_PORT=str(port)) as hits,
    ):
        assert [(await hits.http.get("/")).text for _ in range(3)] == ["Hits: 1", "Hits: 2", "Hits: 3"]
        assert (await hits.http.get("/readyz")).json() == {"ready": True}
        both = await asyncio.gather(*(hits.http.get("/") for _ in range(20)))
        assert {answer.text for answer in both} == {f"Hits: {number}" for number in range(4, 24)}


async def test_redis_comes_and_goes() -> None:
    async with valkey() as (running, port), service("hits", *gunicorn(), path="/livez", REDIS_PORT=str(port)) as hits:
        assert (await hits.http.get("/")).status_code == 200
        running.process.kill()
        await running.process.wait()
        assert (await hits.http.get("/")).status_code == 503
        assert (await hits.http.get("/readyz")).status_code == 503


async def test_a_wrong_host_is_a_clear_error_and_not_ready() -> None:
    async with service("hits", *gunicorn(), path="/livez", REDIS_HOST="127.0.0.1", REDIS_PORT="1") as hits:
        for path in ("/", "/readyz"):
            answer = await hits.http.get(path)
            assert answer.status_code == 503
            message = "Redis at 127.0.0.1:1 does not answer. Check REDIS_HOST and REDIS_PORT."
            assert answer.json() == {"ready": False, "message": message}
        assert (await hits.http.get("/livez")).json() == {"live": True}
        await hits.says("Redis at 127.0.0.1:1 does not answer: Error 111")
        assert not any("Traceback" in line for line in hits.said)


async def test_a_name_that_is_none_is_a_clear_error_too() -> None:
    async with service("hits", *gunicorn(), path="/livez", REDIS_HOST="no-such-host.invalid") as hits:
        answer = await hits.http.get("/")
        assert answer.status_code == 503
        assert "no-such-host.invalid:6379 does not answer" in answer.json()["message"]
