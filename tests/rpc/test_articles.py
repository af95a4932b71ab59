"""The articles' service, as their clients know it: from the published contract alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf.internal.encoder import _VarintBytes  # type: ignore[attr-defined]

from folkmoot.app import Node
from folkmoot.proto.api_pb2 import ApiRequest, Hello, HelloRequest, Item, Items
from folkmoot.proto.api_pb2_grpc import ApiStub
from folkmoot.settings import Settings
from tests.cli.words import begin, stop
from tests.conftest import Start
from tests.realtime.wire import until
from tests.rpc.words import AS_IT_IS, channel_to, refused

MIB = 1 << 20
# What a client takes without reading it is the client's choice, and usually grows.
SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 8_192)]


@pytest.fixture(scope="module")
async def open_node(start: Start) -> AsyncIterator[Node]:
    async with start(grpc_port=0, grpc_open=("api",), grpc_calls_per_s=10_000) as started:
        yield started


@pytest.fixture
async def api(open_node: Node) -> AsyncIterator[ApiStub]:
    async with channel_to(open_node) as channel:
        yield ApiStub(channel)


@pytest.mark.parametrize("name", ["Gonzalo", "", "Ünï 🌳", "x" * 10_000])
async def test_it_says_hello(api: ApiStub, name: str) -> None:
    assert (await api.sayHello(HelloRequest(name=name))).message == f"Hello {name}!"


@pytest.mark.parametrize("length", [-(2**31), -1, 0, 1, 10, 1_000])
async def test_the_list_and_the_stream_are_the_same(api: ApiStub, length: int) -> None:
    items = list((await api.getAll(ApiRequest(length=length))).items)
    assert items == [Item(id=number, name=f"name {number}") for number in range(1, length + 1)]
    assert [item async for item in api.getStream(ApiRequest(length=length))] == items


async def test_a_list_that_is_too_long_is_refused_and_the_stream_is_not(api: ApiStub) -> None:
    for length in (10_001, 500_000, 2**31 - 1):
        async with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
            await api.getAll(ApiRequest(length=length))
    stream = api.getStream(ApiRequest(length=2**31 - 1))
    for number in range(1, 10_101):
        assert (await stream.read()).id == number
    stream.cancel()


async def test_the_longest_list_that_an_operator_can_allow_is_one_that_clients_take(start: Start) -> None:
    async with start(grpc_port=0, grpc_open=("api",), grpc_items=100_000) as node, channel_to(node) as channel:
        answer = await ApiStub(channel).getAll(ApiRequest(length=100_000))
        assert len(answer.items) == 100_000
        assert answer.ByteSize() < 4 * MIB


async def test_the_bytes_are_those_of_the_published_contract(open_node: Node) -> None:
    """Written by hand, field by field: number and type as the articles print them."""
    async with channel_to(open_node) as channel:
        hello = await channel.unary_unary("/api.Api/sayHello", **AS_IT_IS)(b"\x0a\x07Gonzalo")
        assert hello == b"\x0a\x0eHello Gonzalo!"
        items = await channel.unary_unary("/api.Api/getAll", **AS_IT_IS)(b"\x08\x02")
        assert items == b"\x0a\x0a\x08\x01\x12\x06name 1" + b"\x0a\x0a\x08\x02\x12\x06name 2"
        stream = channel.unary_stream("/api.Api/getStream", **AS_IT_IS)(b"\x08\x01")
        assert [item async for item in stream] == [b"\x08\x01\x12\x06name 1"]
        assert await channel.unary_unary("/api.Api/getAll", **AS_IT_IS)(b"\x08" + _VarintBytes(2**64 - 1)) == b""
    assert Items.FromString(items).items[1] == Item(id=2, name="name 2")
    assert Hello.FromString(hello).message == "Hello Gonzalo!"


async def test_a_reader_that_stops_costs_no_memory_and_others_are_served(
    settings: Settings, migrated: None, free_port: int, tmp_path: Path
) -> None:
    """Ten streams that would be 60 GB each, none of which is read; the server is a process of its own."""
    process = begin(
        "serve", "--port", "0", folder=tmp_path, API_MODE="dev",
        DATABASE_URL=settings.dsn, REDIS_URL=settings.redis_dsn,
        FOLKMOOT_GRPC_PORT=str(free_port), FOLKMOOT_GRPC_OPEN="api", FOLKMOOT_DRAIN_S="0.2", LOG_LEVEL="error",
        FOLKMOOT_GRPC_STREAMS_PER_USER="1000", FOLKMOOT_GRPC_CALLS_PER_S="1000",
    )  # fmt: skip
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{free_port}", options=SMALL_WINDOW) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            stub, server = ApiStub(channel), psutil.Process(process.pid)
            await stub.getAll(ApiRequest(length=10_000))
            before = server.memory_info().rss
            stopped = [stub.getStream(ApiRequest(length=2**31 - 1)) for _ in range(10)]
            for stream in stopped:
                assert (await stream.read()).id == 1
            idle = Idle(server)
            await until(idle.is_reached, 30)  # every stream has filled what the client takes, and waits
            assert (await stub.sayHello(HelloRequest(name="you"))).message == "Hello you!"
            assert server.memory_info().rss - before < 10 * MIB
            assert (await stopped[0].read()).id == 2  # and goes on where it stood
            for stream in stopped:
                stream.cancel()
    finally:
        said = await asyncio.to_thread(stop, process)
    assert said.status == 0, said


class Idle:
    """Whether a process has stopped computing."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._quiet = 0
        self._last = self._spent()

    def is_reached(self) -> bool:
        now = self._spent()
        self._quiet = self._quiet + 1 if now == self._last else 0
        self._last = now
        return self._quiet >= 60  # looks, five milliseconds apart

    def _spent(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system
