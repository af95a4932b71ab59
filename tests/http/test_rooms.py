"""Rooms: a member finds theirs, a stranger finds nothing, and leaving takes effect at once."""

import asyncio
from typing import Any

import httpx
import pytest

from folkmoot.actions import Call
from folkmoot.app import Node
from folkmoot.commands import OPERATOR
from folkmoot.modules.accounts import actions as accounts
from tests.conftest import Start
from tests.people import PASSWORD, Member, assert_problem, enrol

ROOMS = "/api/v1.0/rooms"
NOWHERE = 9_000_000_000_000_000_000


def doors(room_id: int, user_id: int) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every address of a room that is only for its members."""
    return [
        ("GET", f"{ROOMS}/{room_id}", None),
        ("GET", f"{ROOMS}/{room_id}/members", None),
        ("GET", f"{ROOMS}/{room_id}/events", None),
        ("POST", f"{ROOMS}/{room_id}/members", {"user_id": user_id}),
        ("POST", f"{ROOMS}/{room_id}/messages", {"body": "hi", "client_id": "00000000-0000-4000-8000-000000000001"}),
        ("PUT", f"{ROOMS}/{room_id}/read", {"seq": 1}),
        ("POST", f"{ROOMS}/{room_id}/leave", None),
    ]


async def knock(who: Member, room_id: int) -> list[httpx.Response]:
    return [await who.http.request(method, path, json=body) for method, path, body in doors(room_id, who.id)]


async def test_whoever_makes_a_room_is_in_it(ada: Member) -> None:
    answer = await ada.http.post(ROOMS, json={"name": "  Garden ", "topic": "Roses", "visibility": "private"})
    assert answer.status_code == 201
    room = answer.json()
    epoch = room.pop("epoch")
    assert len(epoch) == 8
    assert room == {
        "id": room["id"], "name": "Garden", "topic": "Roses", "visibility": "private",
        "head_seq": 1, "read_seq": 1, "unread": 0, "members": 1,
    }  # fmt: skip
    assert (await ada.http.get(f"{ROOMS}/{room['id']}")).json() == {**room, "epoch": epoch}
    assert {**room, "epoch": epoch} in (await ada.http.get(ROOMS)).json()["rooms"]


async def test_a_room_needs_only_a_name(ada: Member) -> None:
    room = (await ada.http.post(ROOMS, json={"name": "Plain"})).json()
    assert (room["topic"], room["visibility"]) == ("", "open")


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"name"}),
        ({"name": ""}, {"name"}),
        ({"name": "   "}, {"name"}),
        ({"name": "x" * 81}, {"name"}),
        ({"name": "a\x00b"}, {"name"}),
        ({"name": "two\nlines"}, {"name"}),
        ({"name": "\x1b[2Jgone"}, {"name"}),
        ({"name": 7}, {"name"}),
        ({"name": {"$gt": ""}}, {"name"}),
        ({"name": ["x"]}, {"name"}),
        ({"name": "x", "topic": "y" * 251}, {"topic"}),
        ({"name": "x", "topic": None}, {"topic"}),
        ({"name": "x", "visibility": "secret"}, {"visibility"}),
        ({"name": "x", "visibility": ["open"]}, {"visibility"}),
        ({"name": "x", "id": 1}, {"id"}),
        ({"name": "x", "welcome": True, "head_seq": 9}, {"welcome", "head_seq"}),
        ({"name": "", "topic": 1, "visibility": 2, "{": 3}, {"name", "topic", "visibility", "{"}),
    ],
)
async def test_a_room_that_cannot_be_made_says_what_is_wrong_with_each_field(
    ada: Member, given: dict[str, Any], fields: set[str]
) -> None:
    problem = assert_problem(await ada.http.post(ROOMS, json=given), 400, "invalid")
    assert set(problem["errors"]) == fields


async def test_an_open_room_can_be_found_and_joined(ada: Member, bob: Member) -> None:
    room_id = await ada.make_room("Agora")
    listed = (await bob.http.get(f"{ROOMS}/open")).json()["rooms"]
    assert {"id": room_id, "name": "Agora", "topic": "", "members": 1} in listed
    joined = await bob.http.post(f"{ROOMS}/{room_id}/join")
    assert joined.status_code == 200
    assert (joined.json()["members"], joined.json()["head_seq"]) == (2, 2)
    members = (await bob.http.get(f"{ROOMS}/{room_id}/members")).json()["members"]
    assert [member["person"] for member in members] == [{"id": ada.id, "name": "Ada"}, {"id": bob.id, "name": "Bob"}]
    for who in (ada, bob):
        assert room_id not in [room["id"] for room in (await who.http.get(f"{ROOMS}/open")).json()["rooms"]]


async def test_joining_again_changes_nothing(ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await asyncio.gather(*(bob.join(room_id) for _ in range(5)))
    await ada.join(room_id)
    room = (await ada.http.get(f"{ROOMS}/{room_id}")).json()
    assert (room["members"], room["head_seq"]) == (2, 2)


async def test_a_private_room_is_not_there_for_a_stranger(ada: Member, stranger: Member) -> None:
    room_id = await ada.make_room("Nobody else's", "private")
    assert "Nobody else's" not in (await stranger.http.get(f"{ROOMS}/open")).text
    same = {"request_id": ""}
    for hidden, nothing in zip(await knock(stranger, room_id), await knock(stranger, NOWHERE), strict=True):
        problem = assert_problem(hidden, 404, "not_found")
        assert {**problem, **same} == {**nothing.json(), **same}, hidden.request.url
    join = await stranger.http.post(f"{ROOMS}/{room_id}/join")
    nothing = await stranger.http.post(f"{ROOMS}/{NOWHERE}/join")
    assert {**assert_problem(join, 404, "not_found"), **same} == {**nothing.json(), **same}
    assert all(answer.is_success for answer in await knock(ada, room_id)), "for this test to mean anything"


async def test_an_open_room_shows_nothing_but_its_door_to_a_stranger(ada: Member, stranger: Member) -> None:
    room_id = await ada.make_room()
    await ada.say(room_id, "Psst")
    for answer in await knock(stranger, room_id):
        assert_problem(answer, 404, "not_found")


async def test_who_has_left_is_a_stranger_at_once(ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    assert (await bob.http.get(f"{ROOMS}/{room_id}/events")).status_code == 200
    await bob.leave(room_id)
    for answer in await knock(bob, room_id):
        assert_problem(answer, 404, "not_found")
    room = (await ada.http.get(f"{ROOMS}/{room_id}")).json()
    assert (room["members"], room["head_seq"]) == (1, 3)


async def test_the_room_remembers_who_came_and_went(ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    await bob.leave(room_id)
    events = await ada.events(room_id)
    assert [(event["seq"], event["kind"], event["author"]["name"]) for event in events] == [
        (1, "created", "Ada"),
        (2, "joined", "Bob"),
        (3, "left", "Bob"),
    ]
    assert {event["body"] for event in events} == {None}


async def test_leaving_twice_at_once_is_leaving_once(ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    answers = await asyncio.gather(*(bob.http.post(f"{ROOMS}/{room_id}/leave") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 5
    events = await ada.events(room_id)
    assert [event["kind"] for event in events] == ["created", "joined", "left"]


async def test_a_member_may_bring_somebody_into_a_private_room(ada: Member, bob: Member) -> None:
    room_id = await ada.make_room("Secret", "private")
    for _ in range(2):
        answer = await ada.http.post(f"{ROOMS}/{room_id}/members", json={"user_id": bob.id})
        assert answer.status_code == 201
        assert [member["person"]["name"] for member in answer.json()["members"]] == ["Ada", "Bob"]
    assert (await bob.http.get(f"{ROOMS}/{room_id}")).json()["head_seq"] == 2
    assert (await bob.http.post(f"{ROOMS}/{room_id}/join")).status_code == 200, "joining what one is in is fine"


async def test_only_somebody_who_can_sign_in_is_added(node: Node, ada: Member, bob: Member) -> None:
    room_id = await ada.make_room()
    await accounts.disable.perform(Call(node.core, OPERATOR), {"user_id": bob.id})
    for user_id in (bob.id, NOWHERE):
        answer = await ada.http.post(f"{ROOMS}/{room_id}/members", json={"user_id": user_id})
        assert_problem(answer, 404, "not_found")
    for wrong in (0, -1, "1", 1.5, True, None, [1], {"id": 1}, 2**63, 10**400):
        answer = await ada.http.post(f"{ROOMS}/{room_id}/members", json={"user_id": wrong})
        assert set(assert_problem(answer, 400, "invalid")["errors"]) == {"user_id"}


async def test_the_path_says_which_room_and_the_body_cannot_say_another(ada: Member, bob: Member) -> None:
    mine, other = await ada.make_room(), await ada.make_room()
    answer = await ada.http.post(f"{ROOMS}/{mine}/members", json={"user_id": bob.id, "room_id": other})
    assert set(assert_problem(answer, 400, "invalid")["errors"]) == {"room_id"}


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "01", "+1", "1_0", "9223372036854775808", "%00", "%D9%A1"])
async def test_a_room_has_a_number(ada: Member, number: str) -> None:
    for method, suffix in (("GET", ""), ("GET", "/events"), ("GET", "/members"), ("POST", "/join"), ("POST", "/leave")):
        answer = await ada.http.request(method, f"{ROOMS}/{number}{suffix}")
        assert set(assert_problem(answer, 400, "invalid")["errors"]) == {"room_id"}


async def test_everybody_new_is_in_the_first_room(ada: Member, bob: Member) -> None:
    hers = {room["id"] for room in (await ada.http.get(ROOMS)).json()["rooms"]}
    his = {room["id"]: room["name"] for room in (await bob.http.get(ROOMS)).json()["rooms"]}
    assert [his[room_id] for room_id in hers & his.keys()] == ["General"]


async def test_many_accounts_made_at_once_while_people_talk_all_come_in(node: Node, ada: Member) -> None:
    """Letting in and writing lock the same room; taken in two orders that was a deadlock."""
    general = next(room["id"] for room in (await ada.http.get(ROOMS)).json()["rooms"] if room["name"] == "General")

    async def arrive(number: int) -> None:
        given = {"email": f"late{number}-{ada.email}", "name": f"Late {number}", "password": PASSWORD}
        await accounts.add.perform(Call(node.core, OPERATOR), given)

    await asyncio.gather(*(arrive(n) for n in range(12)), *(ada.say(general, f"Hello {n}") for n in range(40)))


async def test_rooms_are_listed_by_name_whatever_their_case(node: Node) -> None:
    async with enrol(node, "Lister") as lister:
        for name in ("beta", "Alpha", "gamma", "Delta"):
            await lister.make_room(name)
        names = [room["name"] for room in (await lister.http.get(ROOMS)).json()["rooms"]]
    assert names == ["Alpha", "beta", "Delta", "gamma", "General"]


async def test_nobody_can_be_in_more_rooms_than_the_operator_allows_not_even_by_others(start: Start) -> None:
    async with start(rooms_per_user=2) as node, enrol(node, "Ada") as ada, enrol(node, "Bob") as bob:
        mine = await ada.make_room()  # beside General
        assert_problem(await ada.http.post("/api/v1.0/rooms", json={"name": "One more"}), 409, "conflict")
        his = await bob.make_room()
        assert_problem(await ada.http.post(f"/api/v1.0/rooms/{his}/join"), 409, "conflict")
        answer = await ada.http.post(f"/api/v1.0/rooms/{mine}/members", json={"user_id": bob.id})
        assert_problem(answer, 409, "conflict")
        assert len((await bob.http.get("/api/v1.0/rooms")).json()["rooms"]) == 2
        await ada.leave(mine)
        await ada.join(his)
