"""Alive, ready, and what happens to every address when a server behind us is away."""

import asyncio
import time

import pytest
from pydantic import SecretStr

from tests.conftest import Start
from tests.fault.proxy import Proxy
from tests.http.test_rooms import doors
from tests.people import PASSWORD, Member, assert_problem, enrol, visiting

LineAndAddress = tuple[Proxy, SecretStr]


async def test_alive_and_ready(start: Start) -> None:
    async with start() as node, visiting(node) as http:
        assert (await http.get("/healthz")).json() == {"live": True}
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)


async def test_many_who_ask_at_once_get_one_answer(start: Start) -> None:
    async with start() as node, visiting(node) as http:
        answers = await asyncio.gather(*(http.get("/readyz") for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}


async def wait_for_status(http: object, path: str, status: int) -> None:
    async with asyncio.timeout(15):
        while (await http.get(path)).status_code != status:  # type: ignore[attr-defined]
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["cut", "freeze"])
async def test_without_its_database_a_node_lives_but_is_not_ready(
    start: Start, postgres_relay: LineAndAddress, how: str
) -> None:
    relay, dsn = postgres_relay
    async with start(database_url=dsn, database_wait_s=0.2) as node, visiting(node) as http:
        if how == "cut":
            await relay.cut()
        else:
            relay.freeze()
        http.timeout = 15
        ready = await http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"], ready.json()["database"]) == (503, False, False)
        assert (await http.get("/healthz")).status_code == 200
        await relay.mend()
        await wait_for_status(http, "/readyz", 200)


@pytest.mark.parametrize("how", ["cut", "freeze"])
async def test_a_dead_database_is_a_503_everywhere_and_never_an_empty_list(
    start: Start, postgres_relay: LineAndAddress, how: str
) -> None:
    relay, dsn = postgres_relay
    async with start(database_url=dsn, database_wait_s=0.2) as node, enrol(node, "Eve") as eve:
        eve.http.timeout = 15
        room_id = await eve.make_room()
        if how == "cut":
            await relay.cut()
        else:
            relay.freeze()
        addresses = [
            *doors(room_id, eve.id),
            ("GET", "/api/v1.0/rooms", None),
            ("GET", "/api/v1.0/rooms/open", None),
            ("POST", "/api/v1.0/rooms", {"name": "X"}),
            ("POST", f"/api/v1.0/rooms/{room_id}/join", None),
            ("GET", "/api/v1.0/people", None),
            ("GET", "/api/v1.0/session", None),
            ("GET", "/api/v1.0/sessions", None),
            ("DELETE", "/api/v1.0/session", None),
            ("POST", "/api/v1.0/tickets", None),
            ("POST", "/api/v1.0/session", {"email": eve.email, "password": PASSWORD}),
            ("POST", "/api/v1.0/user/auth", {"email": eve.email, "password": PASSWORD}),
        ]
        began = time.monotonic()
        answers = await asyncio.gather(*(eve.http.request(method, path, json=body) for method, path, body in addresses))
        assert time.monotonic() - began < 5
        for answer in answers:
            assert_problem(answer, 503, "unavailable")
        async with visiting(node, "unknown") as http:
            http.timeout = 15
            refused = await http.get("/api/v1.0/rooms")
        assert_problem(refused, 503, "unavailable")  # nobody knows whether that token is one
        await relay.mend()
        await wait_for_status(eve.http, f"/api/v1.0/rooms/{room_id}", 200)
        said = await eve.say(room_id, "Here again")
        assert said["seq"] == 2, "what was refused was not written"


async def test_a_message_whose_outcome_is_unknown_is_written_once_by_its_retry(
    start: Start, postgres_relay: LineAndAddress, ada: Member
) -> None:
    relay, dsn = postgres_relay
    async with start(database_url=dsn, database_wait_s=0.2) as node, visiting(node, ada.token) as http:
        http.timeout = 15
        room_id = await ada.make_room()
        given = {"body": "Once", "client_id": "00000000-0000-4000-8000-000000000002"}
        for _ in range(5):
            sending = asyncio.ensure_future(http.post(f"/api/v1.0/rooms/{room_id}/messages", json=given))
            await asyncio.sleep(0.002)
            await relay.cut()
            await sending
            await relay.mend()
        await wait_for_status(http, "/readyz", 200)
        assert (await http.post(f"/api/v1.0/rooms/{room_id}/messages", json=given)).status_code == 201
    found = (await ada.http.get(f"/api/v1.0/rooms/{room_id}/events")).json()
    assert [event["body"] for event in found["events"]] == [None, "Once"]


async def test_a_node_is_as_good_as_before_after_its_connections_were_killed(start: Start, ada: Member) -> None:
    async with start(database_pool=3) as node, visiting(node, ada.token) as http:
        room_id = await ada.make_room()
        for _ in range(3):
            async with ada.node.core.database.connection() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'folkmoot' AND pid <> pg_backend_pid()"
                )
            await wait_for_status(http, f"/api/v1.0/rooms/{room_id}", 200)
            await wait_for_status(ada.http, f"/api/v1.0/rooms/{room_id}", 200)
