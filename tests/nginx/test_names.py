"""What nginx does when the servers behind it are not there, move, or are several."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import Start
from tests.nginx.behind import Received, behind, okay
from tests.nginx.front import Front, front
from tests.nginx.names import name_server
from tests.people import assert_problem, enrol
from tests.ports import free_port
from tests.realtime.wire import until


async def answered(running: Front, path: str = "/api/x") -> None:
    """Waits until the server behind is found."""
    async with asyncio.timeout(30):
        while (await running.http.get(path)).status_code != 200:
            await asyncio.sleep(0.05)


async def test_nginx_starts_when_no_name_is_known_and_finds_the_servers_when_they_come(tmp_path: Path) -> None:
    port = free_port()
    places = {
        "API_UPSTREAM": f"api:{port}",
        "WS_UPSTREAM": f"ws:{port}",
        "APP_UPSTREAM": f"app:{port}",
        "DB_UPSTREAM": f"adminer:{port}",
    }
    async with (
        name_server() as names,
        front(tmp_path, RESOLVER=names.address, RESOLVER_VALID="1", DB_ALLOW="private", **places) as running,
    ):
        for path in ("/api", "/api/v1.0/session", "/ws", "/connection/websocket", "/", "/db", "/healthz", "/readyz"):
            away = await running.http.get(path)
            assert_problem(away, 503, "unavailable")
            assert away.headers["retry-after"] == "2"
        health = await running.http.get(f"http://127.0.0.1:{running.health_port}/live")
        assert health.json() == {"live": True}
        assert (await running.http.get(f"http://127.0.0.1:{running.health_port}/ready")).status_code == 503
        line = await running.logged("/api/v1.0/session")
        assert line["nginx.upstream.host"] == f"api:{port}"
        assert ":" not in line["nginx.upstream.address"]

        async with behind(port=port):
            names.known = {name: ["127.0.0.1"] for name in ("api", "ws", "app", "adminer")}
            for path in ("/api/x", "/ws", "/", "/db", "/healthz"):
                await answered(running, path)


async def test_a_server_that_moved_is_found_at_its_new_address(tmp_path: Path) -> None:
    port = free_port()
    async with (
        name_server(api=["127.0.0.1"]) as names,
        front(tmp_path, API_UPSTREAM=f"api:{port}", RESOLVER=names.address, RESOLVER_VALID="1") as running,
    ):
        async with behind(port=port) as before:
            await answered(running)
        assert before.requests
        async with behind(host="127.0.0.2", port=port) as after:
            names.known["api"] = ["127.0.0.2"]
            await answered(running)
        assert after.requests


BOTH = ["127.0.0.1", "127.0.0.2"]


async def test_another_server_takes_what_the_first_did_not(tmp_path: Path) -> None:
    """One of two does not listen: it is asked first for about every other request, and nobody notices."""
    port = free_port()
    async with (
        name_server(api=BOTH) as names,
        behind(port=port) as alive,
        front(tmp_path, API_UPSTREAM=f"api:{port}", RESOLVER=names.address) as running,
    ):
        await answered(running, "/api/first")
        alive.requests.clear()
        for number in range(20):
            answer = await running.http.post("/api/x", content=str(number))
            assert answer.status_code == 200
        assert [int(request.body) for request in alive.requests] == list(range(20))
        tried = [line["nginx.upstream.address"] for line in running.requests if line["url.path"] == "/api/x"]
        assert any(", " in address for address in tried), "the one that is away was never asked"


@pytest.mark.parametrize(("method", "times"), [("POST", 1), ("PATCH", 1), ("GET", 2)])
async def test_a_request_that_met_its_end_is_made_again_only_when_that_is_harmless(
    tmp_path: Path, method: str, times: int
) -> None:
    """Both servers read the request and hang up: whether it was done nobody knows."""

    async def hang_up(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.target == "/x":
            writer.close()
        else:
            await okay(request, writer)

    port = free_port()
    async with (
        name_server(api=BOTH) as names,
        behind(hang_up, port=port) as one,
        behind(hang_up, host="127.0.0.2", port=port) as other,
        front(tmp_path, API_UPSTREAM=f"api:{port}", RESOLVER=names.address) as running,
    ):
        await answered(running, "/api/first")
        assert_problem(await running.http.request(method, "/api/x"), 503, "unavailable")
        assert [request.target for request in one.requests + other.requests].count("/x") == times


async def test_a_handshake_that_met_a_stopping_server_goes_to_another(tmp_path: Path) -> None:
    async def stopping(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")

    port = free_port()
    async with (
        name_server(ws=BOTH) as names,
        behind(stopping, port=port) as one,
        behind(host="127.0.0.2", port=port) as other,
        front(tmp_path, WS_UPSTREAM=f"ws:{port}", RESOLVER=names.address) as running,
    ):
        await answered(running, "/ws")
        other.requests.clear()
        for _ in range(20):
            assert (await running.http.get("/connection/websocket")).status_code == 200
        assert len(other.requests) == 20
        assert one.requests


async def test_a_server_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async def say_nothing(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)

    async with (
        behind(say_nothing) as slow,
        front(tmp_path, API_UPSTREAM=slow.address, API_TIMEOUT="1") as running,
    ):
        assert_problem(await running.http.post("/api/x"), 503, "unavailable")
        assert len(slow.requests) == 1


async def test_connections_are_kept_where_nginx_can(tmp_path: Path) -> None:
    async with behind() as api, front(tmp_path, API_UPSTREAM=api.address) as running:
        await answered(running)
        api.connections = 0
        for _ in range(20):
            assert (await running.http.get("/api/x")).status_code == 200
        are_kept = "connections-kept" in (running.folder / "upstreams.conf").read_text()
        assert api.connections < 10 if are_kept else api.connections == 20


async def test_a_server_that_stops_loses_no_request(start: Start, tmp_path: Path) -> None:
    """Two real ones, many who send, and one of the two is stopped meanwhile: nobody is told that something failed."""
    port = free_port()
    stopped = asyncio.Event()
    async with (
        start(port=port, drain_s=2) as node,
        name_server(api=BOTH) as names,
        front(tmp_path, API_UPSTREAM=f"api:{port}", RESOLVER=names.address) as running,
        enrol(node, "Ada") as ada,
    ):
        room_id = await ada.make_room()

        async def send(number: int) -> list[int]:
            statuses = []
            while not stopped.is_set():
                given = {"body": f"From {number}", "client_id": str(uuid4())}
                headers = {"Authorization": f"Bearer {ada.token}"}
                path = f"/api/v1.0/rooms/{room_id}/messages"
                statuses.append((await running.http.post(path, json=given, headers=headers)).status_code)
            return statuses

        async with start(host="127.0.0.2", port=port, drain_s=2):
            await answered(running, "/api")
            sending = [asyncio.create_task(send(number)) for number in range(4)]
            await until(lambda: running.said.count(f'"127.0.0.2:{port}"') > 20)
        stopped.set()
        statuses = {status for task in sending for status in await task}
        assert statuses == {201}
