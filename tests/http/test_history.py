"""Reading a room's log in pages, and remembering how far one has read."""

from typing import Any

import pytest

from tests.conftest import Start
from tests.people import Member, assert_problem, visiting


@pytest.fixture
async def room(ada: Member) -> int:
    """A room of ten events: made by Ada, who then says 2 to 10."""
    room_id = await ada.make_room()
    for number in range(2, 11):
        await ada.say(room_id, str(number))
    return room_id


async def page(who: Member, room_id: int, query: str = "") -> dict[str, Any]:
    answer = await who.http.get(f"/api/v1.0/rooms/{room_id}/events{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.parametrize(
    ("query", "seqs", "more"),
    [
        ("", range(1, 11), False),
        ("?limit=3", range(8, 11), True),
        ("?limit=10", range(1, 11), False),
        ("?limit=9", range(2, 11), True),
        ("?before=8&limit=3", range(5, 8), True),
        ("?before=4&limit=3", range(1, 4), False),
        ("?before=3", range(1, 3), False),
        ("?before=1", [], False),
        ("?before=0", [], False),
        ("?before=9223372036854775807&limit=2", range(9, 11), True),
        ("?after=0&limit=3", range(1, 4), True),
        ("?after=7", range(8, 11), False),
        ("?after=7&limit=3", range(8, 11), False),
        ("?after=7&limit=2", range(8, 10), True),
        ("?after=10", [], False),
        ("?after=9223372036854775807", [], False),
    ],
)
async def test_a_page_is_in_the_order_of_the_log_and_says_whether_there_is_more(
    ada: Member, room: int, query: str, seqs: range, more: bool
) -> None:
    found = await page(ada, room, query)
    assert [event["seq"] for event in found["events"]] == list(seqs)
    assert found["more"] is more
    assert found["head_seq"] == 10
    assert len(found["epoch"]) == 8


async def test_pages_backwards_and_forwards_meet_without_a_hole(ada: Member, room: int) -> None:
    backwards: list[Any] = []
    found = await page(ada, room, "?limit=3")
    while found["events"]:
        backwards = found["events"] + backwards
        found = await page(ada, room, f"?limit=3&before={backwards[0]['seq']}")
    forwards: list[Any] = []
    found = {"more": True}
    while found["more"]:
        found = await page(ada, room, f"?limit=4&after={len(forwards)}")
        forwards += found["events"]
    assert backwards == forwards
    assert [event["seq"] for event in forwards] == list(range(1, 11))


async def test_the_server_says_how_long_a_page_may_be(ada: Member, start: Start) -> None:
    async with start(page_events=4) as node:
        room_id = await ada.make_room()
        for number in range(6):
            await ada.say(room_id, str(number))
        async with visiting(node, ada.token) as http:
            found = (await http.get(f"/api/v1.0/rooms/{room_id}/events?limit=1000")).json()
    assert [event["seq"] for event in found["events"]] == [4, 5, 6, 7]
    assert found["more"] is True


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("?limit=0", {"limit"}),
        ("?limit=-1", {"limit"}),
        ("?limit=1001", {"limit"}),
        ("?limit=ten", {"limit"}),
        ("?limit=", {"limit"}),
        ("?limit=5.0", {"limit"}),
        ("?before=-1", {"before"}),
        ("?before=9223372036854775808", {"before"}),
        ("?after=99999999999999999999999999", {"after"}),
        ("?before=null", {"before"}),
        ("?before=5&after=3", {"after"}),
        ("?before=1&before=2", {"before"}),
        ("?limit=1&limit=1", {"limit"}),
        ("?offset=3", {"offset"}),
        ("?room_id=1", {"room_id"}),
        ("?before=%00", {"before"}),
        ("?before=%ff", {"before"}),
        ("?%FF=1", {"\ufffd"}),
        ("?before[$gt]=1", {"before[$gt]"}),
        ("?limit=x&before=y&after=z", {"limit", "before", "after"}),
    ],
)
async def test_a_query_that_makes_no_sense_says_which_part(
    ada: Member, room: int, query: str, fields: set[str]
) -> None:
    answer = await ada.http.get(f"/api/v1.0/rooms/{room}/events{query}")
    assert set(assert_problem(answer, 400, "invalid")["errors"]) == fields


async def mark_read(who: Member, room_id: int, seq: object) -> Any:
    return await who.http.put(f"/api/v1.0/rooms/{room_id}/read", json={"seq": seq})


async def test_the_read_position_moves_forward_never_back_and_never_past_the_head(ada: Member, room: int) -> None:
    for seq, read_seq in ((0, 1), (3, 3), (2, 3), (10, 10), (9, 10), (11, 10), (2**63 - 1, 10)):
        answer = await mark_read(ada, room, seq)
        assert answer.json() == {"read_seq": read_seq}
    assert (await ada.http.get(f"/api/v1.0/rooms/{room}")).json()["read_seq"] == 10


async def test_everybody_has_a_read_position_of_their_own(ada: Member, bob: Member, room: int) -> None:
    await bob.join(room)  # event 11: what was said before is no news to him
    await mark_read(ada, room, 4)
    for who, read_seq in ((ada, 4), (bob, 11)):
        assert (await who.http.get(f"/api/v1.0/rooms/{room}")).json()["read_seq"] == read_seq


@pytest.mark.parametrize("seq", [-1, 2**63, "1", 1.5, True, None, [], {}])
async def test_a_read_position_is_a_number_of_the_log(ada: Member, room: int, seq: object) -> None:
    assert set(assert_problem(await mark_read(ada, room, seq), 400, "invalid")["errors"]) == {"seq"}
