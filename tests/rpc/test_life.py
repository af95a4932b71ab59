"""The gRPC server from its start to its end: off, health, TLS, several workers, draining."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from folkmoot.app import Node
from folkmoot.listening import PortTaken, listen_together
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.api_pb2 import ApiRequest, HelloRequest
from folkmoot.proto.api_pb2_grpc import ApiStub
from folkmoot.settings import BadSettings, Settings, load_settings
from tests.certificates import certify
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.fault.supervised import supervised
from tests.people import Member, enrol
from tests.realtime.wire import until
from tests.rpc.words import EOF, Program, bearer, channel_to, program_of, refused

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
OWN, API = "folkmoot.v1.Folkmoot", "api.Api"


# -- off


def test_whoever_does_not_use_it_does_not_load_it(settings: Settings, migrated: None) -> None:
    program = """
import asyncio, sys
from folkmoot.app import running
from folkmoot.listening import listen
from folkmoot.settings import load_settings
import folkmoot.cli, folkmoot.commands

async def main():
    settings = load_settings()
    async with running(settings, listen(settings)) as node:
        assert node.grpc_port is None
        print(sorted(name for name in sys.modules if name.split(".")[0] in ("grpc", "google", "grpc_health")))

asyncio.run(main())
"""
    environment = {
        "API_MODE": "dev", "DATABASE_URL": settings.dsn, "REDIS_URL": settings.redis_dsn, "FOLKMOOT_PORT": "0",
        "FOLKMOOT_DRAIN_S": "0", "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert said.stdout.startswith("[]\n"), said


# -- settings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"grpc_open": "api,everything"}, "everything"),
        ({"grpc_certificate": "/nowhere"}, "FOLKMOOT_GRPC_KEY"),
        ({"grpc_port": 0, "workers": 2}, "FOLKMOOT_GRPC_PORT"),
        ({"grpc_port": 70_000}, "FOLKMOOT_GRPC_PORT"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(BadSettings, match=says):
        load_settings(**wrong)


async def test_a_taken_port_is_said_at_once(start: Start, node: Node) -> None:
    with pytest.raises(PortTaken, match=f"{node.grpc_port}.*FOLKMOOT_GRPC_PORT"):
        async with start(grpc_port=node.grpc_port):
            raise AssertionError


# -- health


async def test_health_says_for_each_service_whether_it_serves(channel: grpc.aio.Channel) -> None:
    health = HealthStub(channel)
    for service in ("", OWN, API):
        assert (await health.Check(HealthCheckRequest(service=service))).status == SERVING
    async with refused(grpc.StatusCode.NOT_FOUND, "not_found"):
        await health.Check(HealthCheckRequest(service="nope.Nope"))
    listed = (await health.List(HealthListRequest())).statuses
    assert {name: status.status for name, status in listed.items()} == {"": SERVING, OWN: SERVING, API: SERVING}
    watching = health.Watch(HealthCheckRequest(service="nope.Nope"))
    assert (await watching.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
    watching.cancel()


async def test_without_its_database_a_service_does_not_serve_and_then_does_again(
    start: Start, postgres_relay: tuple[Proxy, object]
) -> None:
    relay, address = postgres_relay
    async with start(grpc_port=0, database_url=address, database_wait_s=0.5) as node, channel_to(node) as channel:
        health = HealthStub(channel)
        watching = health.Watch(HealthCheckRequest(service=OWN))
        assert (await watching.read()).status == SERVING
        await relay.cut()
        async with asyncio.timeout(20):
            assert (await watching.read()).status == NOT_SERVING
            assert (await health.Check(HealthCheckRequest(service=API))).status == SERVING
            await relay.mend()
            assert (await watching.read()).status == SERVING
        watching.cancel()


# -- TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    certify(tmp_path)
    return tmp_path


@asynccontextmanager
async def trusting(node: Node, certificate: bytes) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(certificate)
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(f"localhost:{node.grpc_port}", credentials, options=own) as channel:
        yield channel


async def says_hello(channel: grpc.aio.Channel, token: str) -> bool:
    """False when there is no connection; any other refusal is raised."""
    try:
        await ApiStub(channel).sayHello(HelloRequest(name="you"), metadata=bearer(token), timeout=10)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


async def test_with_tls_only_who_trusts_the_certificate_talks_and_a_new_one_needs_no_restart(
    start: Start, ada: Member, certificate: Path
) -> None:
    files = {"grpc_certificate": certificate / "cert.pem", "grpc_key": certificate / "key.pem"}
    first = files["grpc_certificate"].read_bytes()
    async with start(grpc_port=0, **files) as node:
        async with trusting(node, first) as channel:
            assert await says_hello(channel, ada.token)
        async with channel_to(node) as plain:
            assert not await says_hello(plain, ada.token)
        second = certify(certificate).its.read_bytes()
        os.utime(certificate / "cert.pem", (time.time() + 5, time.time() + 5))
        async with trusting(node, second) as channel:
            assert await says_hello(channel, ada.token)
        async with trusting(node, first) as channel:
            assert not await says_hello(channel, ada.token)
        (certificate / "key.pem").unlink()  # in the middle of a renewal: the old pair holds
        async with trusting(node, second) as channel:
            assert await says_hello(channel, ada.token)


async def test_a_certificate_that_is_not_there_stops_the_start(start: Start, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="FOLKMOOT_GRPC_CERTIFICATE"):
        async with start(grpc_port=0, grpc_certificate=tmp_path / "none.pem", grpc_key=tmp_path / "none.key"):
            raise AssertionError


# -- several workers


async def test_all_workers_serve_the_one_port(
    settings: Settings, migrated: None, node: Node, free_port: int, tmp_path: Path
) -> None:
    async with AsyncExitStack() as closing:
        ada = await closing.enter_async_context(enrol(node, "Ada"))
        room = await ada.make_room()
        running = await closing.enter_async_context(supervised(settings, tmp_path, FOLKMOOT_GRPC_PORT=str(free_port)))
        await running.ready(2)
        programs = {}
        for _ in range(64):
            own = [("grpc.use_local_subchannel_pool", 1)]
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{free_port}", options=own)
            await closing.enter_async_context(channel)
            program = program_of(ada, channel)
            await program.call("rooms", "mine")
            serving = {
                worker.pid
                for worker in running.workers
                for one in worker.net_connections("tcp")
                if one.status == "ESTABLISHED" and one.laddr.port == free_port
            }
            programs[len(serving)] = program
            if len(serving) == 2:
                break
        assert 2 in programs, "the system shares connections out"
        listening = await programs[1].listen(room)
        said = await programs[2].say(room, "from one worker to the other")
        assert await listening.hears(said.seq) == [said]
        listening.stream.cancel()
        assert await running.stop() == 0


def test_several_workers_do_not_share_a_port_with_a_stranger(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"{port}.*FOLKMOOT_GRPC_PORT"):
            listen_together(settings.model_copy(update={"workers": 2, "grpc_port": port}))


# -- draining


async def test_a_node_that_stops_sends_streams_away_and_answers_what_was_begun(
    start: Start, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await ada.make_room()
    begun, finish = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> bytes:
        begun.set()
        await finish.wait()
        return b"{}"

    monkeypatch.setattr("folkmoot.rpc.servicer.call_method", slow)
    async with AsyncExitStack() as closing, AsyncExitStack() as stopping:
        node = await stopping.enter_async_context(start(grpc_port=0, drain_s=10))
        channel = await closing.enter_async_context(channel_to(node))
        program = Program(channel, ada.token)
        listening = [await program.listen(room) for _ in range(3)]
        watching = HealthStub(channel).Watch(HealthCheckRequest())
        assert (await watching.read()).status == SERVING
        call = program.stub.Call(pb.CallRequest(module="a", action="b"), metadata=program.metadata)
        await begun.wait()
        stop = asyncio.create_task(stopping.aclose())
        for each in listening:
            assert await each.ends() == (grpc.StatusCode.UNAVAILABLE, "unavailable")
        assert (await watching.read()).status == NOT_SERVING
        assert await watching.read() is EOF
        assert not stop.done()
        finish.set()
        assert (await call).json == "{}"
        async with asyncio.timeout(5):  # and not as long as it might
            await stop
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await program.stub.History(pb.HistoryRequest(room_id=room), metadata=program.metadata, timeout=5)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_reader_that_stops_does_not_keep_the_node_from_stopping(start: Start, ada: Member) -> None:
    async with AsyncExitStack() as closing, AsyncExitStack() as stopping:
        node = await stopping.enter_async_context(start(grpc_port=0, drain_s=0.5))
        small = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 8_192))
        channel = await closing.enter_async_context(channel_to(node, *small))
        endless = ApiStub(channel).getStream(ApiRequest(length=2**31 - 1), metadata=bearer(ada.token))
        await endless.read()
        async with asyncio.timeout(8):
            await stopping.aclose()
        endless.cancel()


async def test_nothing_is_left_of_a_server_that_has_stopped(start: Start, ada: Member) -> None:
    before = asyncio.all_tasks()
    async with start(grpc_port=0) as node, channel_to(node) as channel:
        await program_of(ada, channel).call("rooms", "mine")
        port = node.grpc_port
    await until(lambda: not [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0)).close()
