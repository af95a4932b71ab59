"""Nobody gets more than their share, and nothing lasts for ever."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import pytest

from folkmoot.app import Node
from folkmoot.errors import TooMany
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.api_pb2 import ApiRequest, HelloRequest
from folkmoot.proto.api_pb2_grpc import ApiStub
from folkmoot.rpc.budgets import REMEMBERED, Allowed, Budgets
from folkmoot.rpc.door import _peer
from tests.conftest import Start
from tests.people import Member, enrol
from tests.realtime.wire import until
from tests.rpc.words import Program, channel_to, program_of, refused, told

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


@asynccontextmanager
async def two_people(start: Start, **changes: object) -> AsyncIterator[tuple[Node, Program, Program]]:
    """A node with these limits, and the programs of Ada and Bob."""
    async with start(grpc_port=0, **changes) as node, channel_to(node) as channel, AsyncExitStack() as closing:
        ada, bob = [await closing.enter_async_context(enrol(node, name)) for name in ("Ada", "Bob")]
        yield node, program_of(ada, channel), program_of(bob, channel)


async def test_a_user_who_calls_too_often_is_told_when_to_come_back(start: Start) -> None:
    async with two_people(start, grpc_calls_per_s=5) as (_, hasty, patient):
        answers = await asyncio.gather(*(hasty.call("rooms", "mine") for _ in range(60)), return_exceptions=True)
        refusals = [error for error in answers if isinstance(error, grpc.aio.AioRpcError)]
        assert refusals
        for error in refusals:
            assert error.code() is EXHAUSTED
            assert told(error.trailing_metadata())["folkmoot-retry-after-s"] == "1"
        await patient.call("rooms", "mine")


async def test_a_user_has_so_many_streams_and_a_closed_one_makes_room(start: Start) -> None:
    async with two_people(start, grpc_streams_per_user=2) as (node, ada, _), channel_to(node) as another:
        room = json.loads(await ada.call("rooms", "create", '{"name": "Garden"}'))["id"]
        first, _ = await ada.listen(room), await Program(another, ada.token).listen(room)
        async with refused(EXHAUSTED, "too_many"):
            await ada.listen(room)
        first.stream.cancel()
        await until(lambda: node.engine.hub.listeners(f"room:{room}")[1:] == [])
        await ada.listen(room)


async def test_an_address_without_a_token_has_half(start: Start) -> None:
    async with start(grpc_port=0, grpc_open=("api",), grpc_streams_per_user=4) as node, channel_to(node) as channel:
        stub = ApiStub(channel)
        endless = [stub.getStream(ApiRequest(length=2**31 - 1)) for _ in range(2)]
        for stream in endless:
            await stream.read()
        async with refused(EXHAUSTED, "too_many"):
            await stub.getStream(ApiRequest(length=1)).read()
        assert (await stub.sayHello(HelloRequest(name="you"))).message
        for stream in endless:
            stream.cancel()


def test_streams_do_not_use_up_the_calls_of_a_user() -> None:
    budgets = Budgets(Allowed(calls_per_s=100, calls=1, streams=1))
    with budgets.call(1, is_stream=True), budgets.call(1, is_stream=False):
        for is_stream in (True, False):
            with pytest.raises(TooMany), budgets.call(1, is_stream=is_stream):
                raise AssertionError
        with budgets.call(2, is_stream=True):
            pass
    with budgets.call(1, is_stream=True):
        pass


def test_who_asked_long_ago_is_forgotten_and_who_still_waits_is_not() -> None:
    budgets = Budgets(Allowed(calls_per_s=10, calls=10, streams=2))
    with budgets.call("203.0.113.1", is_stream=True):
        for number in range(REMEMBERED + 100):
            with budgets.call(number, is_stream=False):
                pass
        assert len(budgets._budgets) <= REMEMBERED + 1
        with pytest.raises(TooMany), budgets.call("203.0.113.1", is_stream=True):
            raise AssertionError


async def test_a_deadline_stops_the_work(ada: Member, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = asyncio.Event()

    async def slow(*_: object) -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return b""

    monkeypatch.setattr("folkmoot.rpc.servicer.call_method", slow)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await program.stub.Call(pb.CallRequest(module="a", action="b"), metadata=program.metadata, timeout=0.2)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(stopped.wait(), 10)


async def test_a_caller_that_goes_away_stops_the_work(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return b""

    monkeypatch.setattr("folkmoot.rpc.servicer.call_method", slow)
    call = program.stub.Call(pb.CallRequest(module="a", action="b"), metadata=program.metadata)
    await asyncio.wait_for(begun.wait(), 10)
    call.cancel()
    await asyncio.wait_for(stopped.wait(), 10)


async def test_a_call_without_a_deadline_ends_all_the_same(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object) -> bytes:
        await asyncio.Event().wait()
        return b""

    monkeypatch.setattr("folkmoot.rpc.servicer.call_method", slow)
    async with start(grpc_port=0, grpc_call_s=0.2) as node, enrol(node, "Ada") as ada, channel_to(node) as channel:
        program = program_of(ada, channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await program.stub.Call(pb.CallRequest(module="a", action="b"), metadata=program.metadata)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert told(caught.value.trailing_metadata())["folkmoot-code"] == "too_long"


@pytest.mark.parametrize(
    ("named", "address"),
    [
        ("ipv4:127.0.0.1:50051", "127.0.0.1"),
        ("ipv6:[::1]:50051", "::1"),
        ("ipv6:%5B2001:db8::1%5D:50051", "2001:db8::1"),
        ("unix:", "unix:"),
    ],
)
def test_an_address_is_read_as_the_library_writes_it(named: str, address: str) -> None:
    assert _peer(named) == address
