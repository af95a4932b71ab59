"""What counts as unread: what others say, and nothing else."""

import pytest

from folkmoot.modules.rooms import store
from tests.people import Member, token_of

ROOMS = "/api/v1.0/rooms"


async def unread(who: Member, room_id: int) -> int:
    """As the room itself says it, and the list of rooms too."""
    alone = (await who.http.get(f"{ROOMS}/{room_id}")).json()["unread"]
    (listed,) = [room["unread"] for room in (await who.http.get(ROOMS)).json()["rooms"] if room["id"] == room_id]
    assert alone == listed
    return int(alone)


@pytest.fixture
async def room(ada: Member, bob: Member) -> int:
    """A room of Ada and Bob, in which nobody has said anything."""
    room_id = await ada.make_room()
    await bob.join(room_id)
    return room_id


async def test_what_others_say_is_unread_until_it_is_read(ada: Member, bob: Member, room: int) -> None:
    for body in ("one", "two", "three"):
        last = await bob.say(room, body)
    assert (await unread(ada, room), await unread(bob, room)) == (3, 0)
    for seq, left in ((int(str(last["seq"])) - 1, 1), (last["seq"], 0)):
        await ada.http.put(f"{ROOMS}/{room}/read", json={"seq": seq})
        assert await unread(ada, room) == left


async def test_what_one_says_oneself_is_read_with_whichever_token(ada: Member, bob: Member, room: int) -> None:
    await ada.say(room, "in my browser")
    async with token_of(ada, "messages") as program:
        given = {"body": "by my program", "client_id": "7a2f3a54-5a5c-4b1c-9f3e-0d5f5f1f8a10"}
        assert (await program.post(f"{ROOMS}/{room}/messages", json=given)).status_code == 201
    assert (await unread(ada, room), await unread(bob, room)) == (0, 2)
    await bob.say(room, "hello")
    assert await unread(ada, room) == 1, "what others say between is not read by it"


async def test_who_comes_and_goes_is_no_news(ada: Member, bob: Member, stranger: Member, room: int) -> None:
    await stranger.join(room)
    await stranger.leave(room)
    await stranger.join(room)
    for member in (ada, bob, stranger):
        assert await unread(member, room) == 0


async def test_what_was_said_before_one_came_is_no_news(ada: Member, stranger: Member, room: int) -> None:
    await ada.say(room, "long ago")
    await stranger.join(room)
    assert await unread(stranger, room) == 0


async def test_the_answer_to_a_command_of_somebody_is_news(ada: Member, bob: Member, room: int) -> None:
    given = {"room_id": room, "text": "/me waves", "client_id": "7a2f3a54-5a5c-4b1c-9f3e-0d5f5f1f8a11"}
    ran = await bob.http.post("/api/v1.0/commands/run", json=given)
    assert ran.status_code < 300, ran.text
    assert (await unread(ada, room), await unread(bob, room)) == (1, 0)


async def test_nobody_counts_for_ever(ada: Member, bob: Member, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_UNREAD", 3)
    monkeypatch.setattr(store, "COUNTED_EVENTS", 5)
    for number in range(4):
        await bob.say(room, str(number))
    assert await unread(ada, room) == 3
    for number in range(4):
        await ada.say(room, str(number))
    assert await unread(ada, room) == 1, "of the last five events, one is Bob's"
