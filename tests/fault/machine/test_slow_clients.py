"""Clients that take their time, straight at a node: a byte now and then, or answers that they do not read."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.fault.checker import quantile
from tests.fault.machine.talk import Talk, listening
from tests.fault.nodes import serving
from tests.people import NO_TLS, enrol
from tests.realtime.python_client import using
from tests.realtime.support import upgrade

EACH = 40
WATCHED_S = 2.0
STEP_S = 0.1
PATIENCE_S = 1.0  # for the middle one: on a busy machine a few take long, whoever is there

POST = b"POST /api/v1.0/user/auth HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
PAGE = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"

# What each of them says at once; then it says one byte after the other.
BEGINNINGS = {
    "the head of a handshake": upgrade()[:-2] + b"X-Slow: ",
    "the head of a request": POST + b"X-Slow: ",
    "a body": POST + b"Content-Length: 10000\r\n\r\n",
    "answers that nobody reads": PAGE * 10 + b"POST /api HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
}


@contextmanager
def calling(port: int, beginning: bytes) -> Iterator[socket.socket]:
    with socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        caller.connect(("127.0.0.1", port))
        caller.setblocking(False)
        caller.send(beginning)
        yield caller


async def ask(http: httpx.AsyncClient, for_s: float) -> list[float]:
    """How long each answer took, sorted."""
    took = []
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        began = time.monotonic()
        assert (await http.get("/api/v1.0/rooms")).status_code == 200
        took.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    return sorted(took)


async def drip(callers: list[socket.socket]) -> None:
    while True:
        for caller in callers:
            caller.send(b"x")
        await asyncio.sleep(STEP_S)


async def test_slow_clients_do_not_slow_others_down(
    node: Node, settings: Settings, free_port: int, tmp_path: Path
) -> None:
    async with (
        enrol(node, "Ada") as ada,
        serving(
            free_port,
            tmp_path / "server.log",
            dsn=settings.dsn,
            redis_url=settings.redis_dsn,
            settings={"FOLKMOOT_DRAIN_S": "0.2"},
        ) as server,
        httpx.AsyncClient(base_url=server.url, headers=ada.http.headers, verify=NO_TLS, trust_env=False) as http,
        Talk(await ada.make_room()) as talk,
        listening(talk, 3, free_port, ada.token, "/ws") as readers,
        using(free_port, ada.token) as writer,
    ):
        await writer.connect()
        with ExitStack() as calls:
            callers = [
                calls.enter_context(calling(free_port, beginning))
                for beginning in BEGINNINGS.values()
                for _ in range(EACH)
            ]
            dripping = asyncio.create_task(drip(callers))
            talk.write(writer, pause_s=0.02)
            took = await ask(http, WATCHED_S)
            assert not dripping.done(), "for this test to mean anything, they must be there all the time"
            dripping.cancel()
        report = await talk.judge(settings.dsn, readers)
        assert not report.anomalies, report
        assert report.acknowledged > 10, "for this test to mean anything, there must be a conversation"
        assert quantile(took, 0.5) < PATIENCE_S
        assert quantile(report.send_s, 0.5) < PATIENCE_S, report
        assert quantile(report.lag_s, 0.5) < PATIENCE_S, report
