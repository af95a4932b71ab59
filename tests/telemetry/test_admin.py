"""The admin port: whether a node lives and is ready, and its metrics for nobody else."""

import asyncio
import json
import socket
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.error import HTTPError

import httpx
import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.listening import PortTaken, check_admin_ports, listen_to_admins
from folkmoot.settings import Settings
from folkmoot.telemetry import admin as admin_port
from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.fault.supervised import supervised
from tests.people import Member, visiting
from tests.ports import free_ports
from tests.realtime.wire import until
from tests.telemetry.served import is_ready, read_lines, reading, samples, value


@asynccontextmanager
async def administered(start: Start, **changes: object) -> AsyncIterator[tuple[Node, httpx.AsyncClient]]:
    """A node with an admin port, and a client of that."""
    async with start(admin_port=0, **changes) as node:
        assert node.admin_port is not None
        async with reading(node.admin_port) as admin:
            yield node, admin


async def test_a_node_that_serves_lives_and_is_ready(start: Start) -> None:
    async with administered(start) as (_, admin):
        live, ready = await admin.get("/live"), await admin.get("/ready?verbose")
        assert (live.status_code, live.json()["live"]) == (200, True)
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "database": True, "accepting": True})
        assert (await admin.head("/ready")).content == b""
        assert (await admin.get("/")).status_code == 404
        assert (await admin.post("/metrics")).status_code == 501


async def test_metrics_are_not_on_the_public_port(start: Start) -> None:
    async with administered(start) as (node, _), visiting(node) as http:
        for path in ("/metrics", "/api/metrics", "/live", "/ready"):
            assert (await http.get(path)).status_code == 404, path
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 200


async def test_without_a_setting_there_is_no_admin_port(node: Node) -> None:
    assert node.admin_port is None


async def test_without_its_database_a_node_lives_but_is_not_ready(
    start: Start, postgres_relay: tuple[Proxy, SecretStr]
) -> None:
    relay, dsn = postgres_relay
    async with administered(start, database_url=dsn, database_wait_s=0.2) as (_, admin):
        await relay.cut()
        ready = await admin.get("/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, False)
        assert (await admin.get("/live")).status_code == 200
        failures = value(samples((await admin.get("/metrics")).text), "folkmoot_database_failures_total")
        assert failures > 0
        await relay.mend()
        async with asyncio.timeout(15):
            while not await is_ready(admin):
                await asyncio.sleep(0.02)


async def test_without_redis_a_node_is_ready_all_the_same(start: Start, redis_relay: tuple[Proxy, SecretStr]) -> None:
    relay, url = redis_relay
    async with administered(start, redis_url=url) as (node, admin):
        await relay.cut()
        await until(lambda: not node.core.bus.is_up)
        assert (await admin.get("/ready")).status_code == 200
        assert value(samples((await admin.get("/metrics")).text), "folkmoot_bus_up") == 0
        await relay.mend()


async def test_a_node_that_drains_is_not_ready_and_lives(start: Start) -> None:
    async with administered(start) as (node, admin):
        node.connections.is_draining = True
        ready = await admin.get("/ready")
        assert (ready.status_code, ready.json()) == (503, {"ready": False, "accepting": False})
        assert (await admin.get("/live")).status_code == 200


async def test_a_loop_that_hangs_is_seen_while_it_does(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks gets an answer, and metrics, although the loop does nothing at all."""
    monkeypatch.setattr(admin_port, "STUCK_S", 0.3)
    async with administered(start) as (node, admin):
        asking = asyncio.get_running_loop().run_in_executor(None, ask_until_stuck, node.admin_port or 0)
        deadline = time.monotonic() + 15
        while not asking.done() and time.monotonic() < deadline:
            time.sleep(0.02)  # noqa: ASYNC251 - hangs the loop, which is what this is about; the executor works on
            if STUCK:
                break
        live, ready, metrics = await asking
        assert (live[0], live[1]["live"]) == (503, False)
        assert float(str(live[1]["loop_silence_s"])) >= 0.3
        assert (ready[0], ready[1]["ready"]) == (503, False)
        assert value(samples(metrics), "folkmoot_loop_silence_seconds") >= 0.3
        async with asyncio.timeout(15):
            while (await admin.get("/live")).status_code != 200:
                await asyncio.sleep(0.02)
        lag = samples((await admin.get("/metrics")).text)
        assert value(lag, "folkmoot_loop_lag_seconds_sum") >= 0.3


STUCK: list[object] = []


def ask_until_stuck(port: int) -> tuple[tuple[int, dict[str, object]], tuple[int, dict[str, object]], str]:
    while (live := ask(port, "/live"))[0] == 200:
        time.sleep(0.02)
    ready, (_, metrics) = ask(port, "/ready"), ask(port, "/metrics")
    STUCK.append(live)
    return (live[0], json.loads(live[1])), (ready[0], json.loads(ready[1])), metrics


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


async def test_those_who_say_nothing_keep_nobody_from_asking_nor_the_node_from_ending(start: Start) -> None:
    async with administered(start) as (node, admin):
        silent = [socket.create_connection(("127.0.0.1", node.admin_port or 0)) for _ in range(admin_port.AT_ONCE - 1)]
        assert (await admin.get("/live")).status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 5
    for one in silent:
        one.close()


def test_a_taken_admin_port_is_one_sentence_that_says_what_to_do(settings: Settings) -> None:
    first, taken = free_ports(2)
    with socket.create_server(("127.0.0.1", taken)):
        with pytest.raises(PortTaken, match=f"Port {taken} .*FOLKMOOT_ADMIN_PORT"):
            listen_to_admins(settings.model_copy(update={"admin_port": taken}))
        with pytest.raises(PortTaken, match=f"Port {taken} "):
            check_admin_ports(settings.model_copy(update={"admin_port": first, "workers": 2}))


async def test_each_worker_has_a_port_and_a_log_of_its_own_also_when_it_is_replaced(
    settings: Settings, migrated: None, tmp_path: Path, ada: Member
) -> None:
    ports = free_ports(2)
    log = tmp_path / "server.log"
    async with supervised(settings, tmp_path, FOLKMOOT_ADMIN_PORT=str(ports[0]), LOG_FILE=str(log)) as running:
        await running.ready(2)
        async with reading(ports[0]) as one, reading(ports[1]) as other:
            assert await is_ready(one)
            assert await is_ready(other)
            async with visiting_port(running.port, ada.token) as http:
                for _ in range(10):
                    assert (await http.get("/api/v1.0/session")).status_code == 200
            counts = [await requests_of(one), await requests_of(other)]
            assert sum(counts) == 10, "each counts its own"
            pids = {await pid_of(one), await pid_of(other)}
            running.process.send_signal(1)
            await until(lambda: running.said("workers.replaced"), 60)
            assert await is_ready(one)
            assert await is_ready(other)
            assert not pids & {await pid_of(one), await pid_of(other)}
        assert await running.stop() == 0
    for name, number in (("server.log", "1"), ("server-1.log", "1-1"), ("server-2.log", "1-2")):
        said = read_lines((tmp_path / name).read_text())
        assert {line["service.node.name"] for line in said} == {number}


@asynccontextmanager
async def visiting_port(port: int, token: str) -> AsyncIterator[httpx.AsyncClient]:
    async with reading(port) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def requests_of(admin: httpx.AsyncClient) -> float:
    scraped = samples((await admin.get("/metrics")).text)
    return sum(
        number
        for (name, labels), number in scraped.items()
        if name == "folkmoot_http_requests_total" and ("route", "/v1.0/session") in labels
    )


async def pid_of(admin: httpx.AsyncClient) -> float:
    """A process is known by when it began."""
    return value(samples((await admin.get("/metrics")).text), "process_start_time_seconds")
