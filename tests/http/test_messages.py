"""Messages over REST: sent once, kept exactly, and refused with a reason."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member, assert_problem, enrol, visiting

BODIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60).filter(
    lambda text: bool(text.strip())
)


def messages(room_id: int | str) -> str:
    return f"/api/v1.0/rooms/{room_id}/messages"


def fresh(**given: Any) -> dict[str, Any]:
    return {"body": "Hello", "client_id": str(uuid4()), **given}


async def page(who: Member, room_id: int, **query: Any) -> dict[str, Any]:
    answer = await who.http.get(f"/api/v1.0/rooms/{room_id}/events", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def room(ada: Member) -> int:
    return await ada.make_room()


async def test_a_message_is_answered_with_its_place_in_the_log(ada: Member, bob: Member, room: int) -> None:
    await bob.join(room)
    client_id = str(uuid4())
    event = await bob.say(room, "Hello, Ada", client_id)
    created_at = event.pop("created_at")
    assert event == {
        "room_id": room, "seq": 3, "kind": "message", "author": {"id": bob.id, "name": "Bob"},
        "client_id": client_id, "body": "Hello, Ada",
    }  # fmt: skip
    assert abs(datetime.now(UTC) - datetime.fromisoformat(str(created_at))) < timedelta(minutes=1)
    assert str(created_at).endswith("Z")
    assert (await page(ada, room))["events"][-1] == {**event, "created_at": created_at}


async def test_a_retry_gives_the_first_event_again(ada: Member, room: int) -> None:
    client_id = str(uuid4())
    first = await ada.say(room, "Once", client_id)
    for spelling in (client_id, client_id.upper(), client_id.replace("-", "")):
        assert await ada.say(room, "Another text does not change what was sent", spelling) == first
    assert (await page(ada, room))["head_seq"] == 2


async def test_twenty_retries_at_once_are_one_message(ada: Member, room: int) -> None:
    client_id = str(uuid4())
    answers = await asyncio.gather(*(ada.say(room, "Once", client_id) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert (await page(ada, room))["head_seq"] == 2


async def test_twenty_retries_through_two_nodes_are_one_message(ada: Member, room: int, start: Start) -> None:
    client_id = str(uuid4())
    async with start() as other, visiting(other, ada.token) as there:
        answers = await asyncio.gather(
            *(http.post(messages(room), json=fresh(client_id=client_id)) for http in [ada.http, there] * 10)
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await page(ada, room))["head_seq"] == 2


async def test_a_client_id_belongs_to_its_author_and_its_room(ada: Member, bob: Member, room: int) -> None:
    other, client_id = await ada.make_room(), str(uuid4())
    await bob.join(room)
    said = [
        await ada.say(room, "a", client_id),
        await bob.say(room, "b", client_id),
        await ada.say(other, "c", client_id),
    ]
    assert [event["body"] for event in said] == ["a", "b", "c"]


async def test_a_retry_by_somebody_who_has_left_shows_nothing(ada: Member, bob: Member, room: int) -> None:
    await bob.join(room)
    client_id = str(uuid4())
    await bob.say(room, "Hello", client_id)
    await bob.leave(room)
    answer = await bob.http.post(messages(room), json=fresh(client_id=client_id))
    assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"body", "client_id"}),
        (fresh(body=""), {"body"}),
        (fresh(body="  \n\t\u2003"), {"body"}),
        (fresh(body="a\x00b"), {"body"}),
        (fresh(body=None), {"body"}),
        (fresh(body={"toString": "x"}), {"body"}),
        (fresh(body=["x"]), {"body"}),
        (fresh(body=7), {"body"}),
        (fresh(client_id=""), {"client_id"}),
        (fresh(client_id="not a uuid"), {"client_id"}),
        (fresh(client_id="{abc"), {"client_id"}),
        (fresh(client_id="{0}"), {"client_id"}),
        (fresh(client_id=7), {"client_id"}),
        (fresh(client_id=None), {"client_id"}),
        (fresh(seq=1), {"seq"}),
        (fresh(author_id=1, kind="joined"), {"author_id", "kind"}),
        (fresh(room_id=1), {"room_id"}),
        ({"body": "x" * 10_001, "client_id": str(uuid4())}, {"body"}),
    ],
)
async def test_what_is_wrong_with_a_message_is_said_by_field(
    ada: Member, room: int, given: dict[str, Any], fields: set[str]
) -> None:
    answer = await ada.http.post(messages(room), json=given)
    assert set(assert_problem(answer, 400, "invalid")["errors"]) == fields
    assert (await page(ada, room))["head_seq"] == 1, "nothing was written"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}" + b" " * 10 + b"x",
        b'{"body": "\\ud800", "client_id": "00000000-0000-4000-8000-000000000001"}',
        b'{"body": "\xed\xa0\x80", "client_id": "00000000-0000-4000-8000-000000000001"}',
        b'{"body": NaN}',
        b"'single'",
        b"\x00",
        b"[" * 10_000 + b"]" * 10_000,
        b'{"body":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"a":' * 10_000 + b"0" + b"}" * 10_000,
        b'{"body": ' + b"9" * 5_000 + b"}",
        b'{"body": 1e400}',
        b'"just a string"',
        b"7",
        b"true",
    ],
)
async def test_a_body_that_cannot_be_read_harms_nothing(ada: Member, room: int, body: bytes) -> None:
    answer = await ada.http.post(messages(room), content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert_problem(answer, 400, answer.json()["code"])
    await ada.say(room, "Still here")


async def test_the_longest_message_is_taken_and_kept_whole(ada: Member, room: int) -> None:
    body = "🗝" * 10_000
    event = await ada.say(room, body)
    assert event["body"] == body
    assert (await page(ada, room))["events"][-1]["body"] == body


async def test_a_body_past_the_limit_of_the_server_is_refused(ada: Member, room: int) -> None:
    content = json.dumps(fresh(body="x" * (1 << 20))).encode()
    async with visiting(ada.node, ada.token) as http:
        answer = await http.post(messages(room), content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, 413, "too_large")
    await ada.say(room, "Still here")


async def test_a_chunked_body_past_the_limit_is_refused_too(ada: Member, room: int) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    async with visiting(ada.node, ada.token) as http:
        try:
            answer = await http.post(messages(room), content=endless(), headers={"Content-Type": "application/json"})
            assert answer.status_code == 413
        except (httpx.WriteError, httpx.ReadError):
            pass  # hung up on, in the middle of it
    await ada.say(room, "Still here")


async def test_a_get_with_a_body_is_a_get(ada: Member, room: int) -> None:
    answer = await ada.http.request("GET", f"/api/v1.0/rooms/{room}", content=b"{", headers={"Content-Type": "x/y"})
    assert answer.status_code == 200
    assert (await ada.http.get("/api/v1.0/rooms")).status_code == 200, "and the connection goes on"


@pytest.fixture(scope="module")
async def writer_of_texts(node: Node) -> AsyncIterator[tuple[Member, int]]:
    async with enrol(node, "Scribe") as scribe:
        yield scribe, await scribe.make_room()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
async def test_any_text_comes_back_as_it_was_sent(writer_of_texts: tuple[Member, int], body: str) -> None:
    scribe, room = writer_of_texts
    event = await scribe.say(room, body)
    assert event["body"] == body
    found = await page(scribe, room, after=int(str(event["seq"])) - 1)
    assert found["events"][0]["body"] == body


async def test_text_that_looks_like_sql_is_only_text(ada: Member, room: int) -> None:
    for body in (
        "'; DROP TABLE events; --",
        "$1",
        "%s %(x)s",
        '{"$ne": null}',
        "\\'; SELECT pg_sleep(9); --",
        "E'\\x00'",
    ):
        assert (await ada.say(room, body))["body"] == body
    assert (await page(ada, room))["head_seq"] == 7
