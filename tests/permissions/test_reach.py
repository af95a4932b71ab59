"""What is not the caller's is not there for them, whatever their role: each action that declares it is tried (S21)."""

from typing import Any
from uuid import uuid4

import pytest

from folkmoot.actions import Action, Reach
from scripts.permissions import ours
from tests.people import Member, assert_problem, enrol

IN_A_ROOM = [action for action in ours() if action.reach in (Reach.ROOM, Reach.OPEN_ROOM)]
OTHERS = ("session_id", "token_id")  # what is somebody's own, by the names of fields
OWN = [action for action in ours() if action.reach is Reach.OWN and set(OTHERS) & set(action.takes.model_fields)]

# Something that each field takes. A field that is not here has no test yet: say what it takes.
VALUES: dict[str, Any] = {
    "body": "hello",
    "client_id": str(uuid4()),
    "name": "Planted",
    "person": "Ada",
    "seq": 0,
    "text": "/me waves",
    "url": "https://example.org/hook",
}
LEFT_OUT = {"before", "after", "limit"}


def given(action: Action[Any, Any], **known: int) -> dict[str, Any]:
    fields = set(action.takes.model_fields) - LEFT_OUT
    return {name: known[name] if name in known else VALUES[name] for name in fields}


@pytest.mark.parametrize("action", IN_A_ROOM, ids=lambda action: action.method)
async def test_a_room_is_not_there_for_who_is_not_in_it(action: Action[Any, Any], ada: Member, bob: Member) -> None:
    """Admins are no exception: they see no more of rooms than any member."""
    room_id = await ada.make_room(visibility="private")
    path = f"/api/v1.0/actions/{action.module}/{action.name}"
    async with enrol(ada.node, "Root", "admin") as root:
        for somebody in (root, bob):
            answer = await somebody.http.post(path, json=given(action, room_id=room_id, user_id=bob.id))
            if somebody is bob and answer.status_code == 403:
                continue  # it is for admins
            if action.method == "commands.invite":  # of which only the command in a room is for people
                assert answer.status_code in (400, 404), answer.text
                continue
            assert_problem(answer, 404, "not_found")
    events = await ada.events(room_id)
    assert [event["kind"] for event in events] == ["created"]


@pytest.mark.parametrize("action", OWN, ids=lambda action: action.method)
async def test_what_is_somebody_s_own_is_not_there_for_others(
    action: Action[Any, Any], ada: Member, admin: Member
) -> None:
    sessions = (await ada.http.get("/api/v1.0/sessions")).json()["sessions"]
    made = (await ada.http.post("/api/v1.0/tokens", json={"name": "Mine", "scopes": ["all"]})).json()
    known = {"session_id": sessions[0]["id"], "token_id": made["about"]["id"]}
    answer = await admin.http.post(f"/api/v1.0/actions/{action.module}/{action.name}", json=given(action, **known))
    assert_problem(answer, 404, "not_found")
    assert (await ada.http.get("/api/v1.0/session")).status_code == 200
    assert len((await ada.http.get("/api/v1.0/tokens")).json()["tokens"]) == 1


def test_there_is_something_to_try() -> None:
    assert len(IN_A_ROOM) >= 10
    assert len(OWN) >= 2
