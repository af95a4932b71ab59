"""Redis clients on our own pattern: many small publications at once, and one connection that hears them all.

`python -m bench.redis_clients` starts a Valkey of its own on a loopback port. The client has one core; Valkey, and the
program that publishes while the client listens, have the other. Clients that are not installed are left out by name:
`pip install coredis valkey-glide` brings them.
"""

import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import hiredis
import uvloop

from bench.build import HERE
from bench.processes import LOAD_CORE, SERVER_CORE, program
from folkmoot.laptop.binaries import find_valkey

PAYLOAD, BATCH, AHEAD, SECONDS = b"x" * 200, 128, 8, 3.0
TOPIC = b"bench"

Publish = Callable[[], Awaitable[None]]  # one batch
Listen = Callable[[Callable[[], None]], Coroutine[object, object, None]]  # calls back for each message, for ever
Client = Callable[[int], AbstractAsyncContextManager[tuple[Publish, Listen]]]


@asynccontextmanager
async def with_redis_py(port: int) -> AsyncIterator[tuple[Publish, Listen]]:
    from redis.asyncio import Redis

    redis: Any = Redis(port=port, protocol=3)

    async def publish() -> None:
        pipeline = redis.pipeline(transaction=False)
        for _ in range(BATCH):
            pipeline.publish(TOPIC, PAYLOAD)
        await pipeline.execute()

    async def listen(heard: Callable[[], None]) -> None:
        async with redis.pubsub() as listening:
            await listening.subscribe(TOPIC)
            async for message in listening.listen():
                if message["type"] == "message":
                    heard()

    yield publish, listen
    await redis.aclose()


@asynccontextmanager
async def with_coredis(port: int) -> AsyncIterator[tuple[Publish, Listen]]:
    import coredis

    async with coredis.Redis(port=port) as redis:

        async def publish() -> None:
            async with redis.pipeline(transaction=False) as pipeline:
                for _ in range(BATCH):
                    pipeline.publish(TOPIC, PAYLOAD)

        async def listen(heard: Callable[[], None]) -> None:
            async with redis.pubsub(channels=[TOPIC], ignore_subscribe_messages=True) as listening:
                async for _ in listening:
                    heard()

        yield publish, listen


@asynccontextmanager
async def with_valkey_glide(port: int) -> AsyncIterator[tuple[Publish, Listen]]:
    import glide

    configuration: Any = glide.GlideClientConfiguration
    address = glide.NodeAddress("127.0.0.1", port)
    plain = await glide.GlideClient.create(configuration([address]))

    async def publish() -> None:
        batch = glide.Batch(is_atomic=False)
        for _ in range(BATCH):
            batch.publish(PAYLOAD, TOPIC)
        await plain.exec(batch, raise_on_error=True)

    async def listen(heard: Callable[[], None]) -> None:
        exact = {configuration.PubSubChannelModes.Exact: {TOPIC.decode()}}
        wanted = configuration.PubSubSubscriptions(exact, lambda message, _: heard(), None)
        hearing = await glide.GlideClient.create(configuration([address], pubsub_subscriptions=wanted))
        try:
            await asyncio.Event().wait()
        finally:
            await hearing.close()

    yield publish, listen
    await plain.close()


def _packed(*words: str | bytes) -> bytes:
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]  # it takes any number of them
    return packed


class _Plain(asyncio.Protocol):
    """Nothing but hiredis on a transport."""

    def __init__(self) -> None:
        self.heard: Callable[[], None] = lambda: None
        self.answers = 0
        self.all_answered = asyncio.Event()
        self._reader = hiredis.Reader()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            if isinstance(answer, list):
                self.heard()
            else:
                self.answers += 1
        if self.answers >= BATCH:
            self.all_answered.set()


@asynccontextmanager
async def with_hiredis(port: int) -> AsyncIterator[tuple[Publish, Listen]]:
    transport, link = await asyncio.get_running_loop().create_connection(_Plain, "127.0.0.1", port)

    async def publish() -> None:
        link.answers = 0
        link.all_answered.clear()
        transport.write(b"".join(_packed("PUBLISH", TOPIC, PAYLOAD) for _ in range(BATCH)))
        await link.all_answered.wait()

    async def listen(heard: Callable[[], None]) -> None:
        link.heard = heard
        transport.write(_packed("SUBSCRIBE", TOPIC))
        await asyncio.Event().wait()

    yield publish, listen
    transport.close()


CLIENTS: dict[str, tuple[str, Client]] = {
    "redis-py with hiredis": ("redis", with_redis_py),
    "coredis": ("coredis", with_coredis),
    "valkey-glide": ("valkey-glide", with_valkey_glide),
    "hiredis on a transport": ("hiredis", with_hiredis),
}


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fmr") as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"]
        options += ["--client-output-buffer-limit", "pubsub 0 0 0"]
        errors = Path(folder) / "valkey.err"
        async with program([find_valkey().path, *options], core=LOAD_CORE, errors=errors, cwd=Path(folder)):
            await asyncio.sleep(0.5)
            print("| client | publishes/s | received/s |\n| --- | --- | --- |")
            for name, (package, client) in CLIENTS.items():
                try:
                    called = f"{name} {version(package)}"
                except PackageNotFoundError:
                    print(f"| {name} | not installed | |")
                    continue
                published, received = await _published(client, port), await _received(client, port, errors)
                print(f"| {called} | {published:,.0f} | {received:,.0f} |")


async def _published(client: Client, port: int) -> float:
    """Publications a second, a batch at a time."""
    async with client(port) as (publish, _):
        await publish()
        batches, started = 0, time.perf_counter()
        while (taken := time.perf_counter() - started) < SECONDS:
            await publish()
            batches += 1
    return batches * BATCH / taken


async def _received(client: Client, port: int, errors: Path) -> float:
    """Messages a second that another program publishes: a few batches ahead of what was heard, never more."""
    count, feeder = 0, None

    def heard() -> None:
        nonlocal count
        count += 1
        if count % BATCH == 0 and feeder is not None:
            feeder.tell("more")

    async with client(port) as (_, listen):
        listening = asyncio.create_task(listen(heard))
        await asyncio.sleep(0.5)
        command = [sys.executable, "-m", "bench.redis_clients", "feed", str(port)]
        async with program(command, core=LOAD_CORE, errors=errors.with_name("feed.err"), cwd=HERE.parent) as feeder:
            feeder.tell("more\n" * (AHEAD - 1) + "more")
            await asyncio.sleep(1)
            before, started = count, time.perf_counter()
            await asyncio.sleep(SECONDS)
            rate = (count - before) / (time.perf_counter() - started)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    return rate


def feed(port: int) -> None:
    """Publishes a batch for each line of its standard input."""
    batch = b"".join(_packed("PUBLISH", TOPIC, PAYLOAD) for _ in range(BATCH))
    with socket.create_connection(("127.0.0.1", port)) as link:
        while sys.stdin.readline():
            link.sendall(batch)
            answers = 0
            while answers < BATCH:
                answers += link.recv(1 << 16).count(b"\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["feed"]:
        feed(int(sys.argv[2]))
    else:
        os.sched_setaffinity(0, {SERVER_CORE})
        uvloop.run(main())
