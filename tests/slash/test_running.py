"""Slash commands over REST: run once, as the caller, and refused in private."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prometheus_client import REGISTRY

from folkmoot.app import Node
from folkmoot.errors import CommandFailed
from folkmoot.loading.modules import load_modules
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.people import Member, assert_problem, token_of, visiting
from tests.slash import bag

DICE = ("tests.slash.dice",)


@pytest.fixture(scope="module")
async def node(start: Start) -> AsyncIterator[Node]:
    """A node with a module of slash commands."""
    async with start(modules=DICE) as started:
        yield started


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    bag.ROLLED.clear()
    bag.GO.clear()
    yield
    bag.GO.set()


@pytest.fixture
async def room(ada: Member) -> int:
    return await ada.make_room()


async def typed(who: Member, room: int, text: str, client_id: str | None = None) -> httpx.Response:
    return await who.http.post(
        f"/api/v1.0/rooms/{room}/commands", json={"text": text, "client_id": client_id or str(uuid4())}
    )


async def said(who: Member, room: int) -> list[dict[str, Any]]:
    events = await who.events(room)
    return [event for event in events if event["kind"] in ("command", "message")]


async def test_everybody_sees_who_asked_what_and_the_answer(ada: Member, bob: Member, room: int) -> None:
    await bob.join(room)
    answer = await typed(bob, room, "/roll 6  2")
    assert answer.status_code == 200, answer.text
    (event,) = await said(ada, room)
    assert answer.json() == {"event": event, "answer": None}
    assert event["kind"] == "command"
    assert event["author"] == {"id": bob.id, "name": "Bob"}
    assert event["body"] == "/roll 6 2\nBob rolled 6 x 2"


async def test_an_answer_for_the_caller_alone_is_not_posted(ada: Member, room: int) -> None:
    answer = await typed(ada, room, '/note "to buy" milk and bread')
    assert answer.json() == {"event": None, "answer": f"{room}|to buy|milk and bread"}
    assert await said(ada, room) == []


@pytest.mark.parametrize("text", ["/roll 6", "/note x"])
async def test_a_retry_runs_nothing_again_and_gives_the_same(ada: Member, room: int, text: str) -> None:
    client_id = str(uuid4())
    first = await typed(ada, room, text, client_id)
    assert first.status_code == 200
    for again in (text, "/roll 99"):
        answer = await typed(ada, room, again, client_id)
        assert answer.json() == first.json()
    assert len(bag.ROLLED) == 1
    assert len(await said(ada, room)) <= 1


async def test_ten_retries_at_once_through_two_nodes_run_it_once(ada: Member, room: int, start: Start) -> None:
    given = {"text": "/slow", "client_id": str(uuid4())}
    async with start(modules=DICE) as other, visiting(other, ada.token) as there:
        posts = [
            asyncio.create_task(http.post(f"/v1.0/rooms/{room}/commands", json=given)) for http in [ada.http, there] * 5
        ]
        while not bag.ROLLED or sum(post.done() for post in posts) < 5:  # one node runs it, the other one says so
            await asyncio.sleep(0.01)
        bag.GO.set()
        answers = await asyncio.gather(*posts)
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [503] * 5
        assert bag.ROLLED == [0]
        again = await there.post(f"/v1.0/rooms/{room}/commands", json=given)
    assert again.json() == next(answer for answer in answers if answer.status_code == 200).json()
    assert len(await said(ada, room)) == 1


async def test_a_run_goes_on_when_its_caller_hangs_up(ada: Member, room: int) -> None:
    client_id = str(uuid4())
    post = asyncio.create_task(typed(ada, room, "/slow", client_id))
    while not bag.ROLLED:
        await asyncio.sleep(0.01)
    post.cancel()
    await asyncio.gather(post, return_exceptions=True)
    bag.GO.set()
    answer = await typed(ada, room, "/slow", client_id)
    assert answer.json()["event"]["body"] == "/slow\nat last"
    assert bag.ROLLED == [0]


async def test_a_run_that_was_cut_off_is_not_begun_again(ada: Member, room: int, database: Any) -> None:
    client_id = str(uuid4())
    await database.execute(
        "INSERT INTO command_runs (user_id, room_id, client_id, started_at) VALUES ($1, $2, $3, now() - $4::interval)",
        ada.id, room, client_id, timedelta(minutes=1),
    )  # fmt: skip
    problem = assert_problem(await typed(ada, room, "/roll 6", client_id), 409, "conflict")
    assert "may be done or not" in problem["detail"]
    assert bag.ROLLED == []


async def test_what_a_run_gave_is_posted_by_a_retry_if_it_was_not(ada: Member, room: int, database: Any) -> None:
    client_id = str(uuid4())
    await database.execute(
        "INSERT INTO command_runs (user_id, room_id, client_id, kind, body) VALUES ($1, $2, $3, 'command', $4)",
        ada.id, room, client_id, "/roll 6\nFour",
    )  # fmt: skip
    answer = await typed(ada, room, "/roll 6", client_id)
    assert answer.json()["event"]["body"] == "/roll 6\nFour"
    assert bag.ROLLED == []


@pytest.mark.parametrize(
    ("text", "status", "code", "says"),
    [
        ("/roll", 400, "invalid", "sides: Missing data for required field. Usage: /roll SIDES [TIMES]"),
        ("/roll six", 400, "invalid", "Usage: /roll SIDES [TIMES]"),
        ("/shut now", 403, "forbidden", "admin"),
        ("/nope x", 400, "invalid", "There is no command /nope. /help lists"),
        ("/ roll", 400, "invalid", "There is no command /."),
        ("hello", 400, "invalid", "There is no command hello."),
        ("//roll 6", 400, "invalid", "There is no command //roll."),
        ("/full", 409, "conflict", "The bag is full."),
        ("/broken", 500, "internal", "/broken failed on the server. Nothing was posted."),
    ],
)
async def test_a_refusal_says_why_and_posts_nothing(
    ada: Member, room: int, text: str, status: int, code: str, says: str
) -> None:
    assert says in assert_problem(await typed(ada, room, text), status, code)["detail"]
    assert await said(ada, room) == []


async def test_a_token_runs_what_it_was_made_for(ada: Member, room: int) -> None:
    given = {"text": "/roll 6", "client_id": str(uuid4())}
    for scopes, status in ((["messages"], 403), (["commands"], 403), (["dice.roll"], 403), (["commands", "dice"], 200)):
        async with token_of(ada, *scopes) as program:
            answer = await program.post(f"/api/v1.0/rooms/{room}/commands", json=given)
            assert answer.status_code == status, (scopes, answer.text)
            if status == 403:
                assert_problem(answer, 403, "insufficient_scope")
    assert bag.ROLLED == [6]


async def test_how_long_it_took_and_how_it_ended_is_counted(ada: Member, room: int) -> None:
    def counted(outcome: str) -> float:
        labels = {"command": "full" if outcome == "conflict" else "roll", "outcome": outcome}
        return REGISTRY.get_sample_value("folkmoot_commands_run_seconds_count", labels) or 0

    before = counted("ok"), counted("conflict")
    await typed(ada, room, "/roll 6")
    await typed(ada, room, "/full")
    assert (counted("ok"), counted("conflict")) == (before[0] + 1, before[1] + 1)


async def test_the_command_of_the_how_to_can_be_typed(
    start: Start, ada: Member, room: int, tmp_path: Path, checkout: Path
) -> None:
    page = (checkout / "docs" / "how-to" / "slash-commands.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    folder = tmp_path / "dice"
    folder.mkdir()
    (folder / "actions.py").write_text(code)
    async with start(modules=(str(folder),)) as node, visiting(node, ada.token) as http:
        given = {"text": "/roll 6 for the dishes", "client_id": str(uuid4())}
        answer = await http.post(f"/v1.0/rooms/{room}/commands", json=given)
    assert re.fullmatch(r"/roll 6 for the dishes\n\*\*[1-6]\*\* for the dishes", answer.json()["event"]["body"])


async def test_what_failed_runs_again_when_it_is_repeated(ada: Member, room: int) -> None:
    client_id = str(uuid4())
    for _ in range(2):
        assert_problem(await typed(ada, room, "/full", client_id), 409, "conflict")
    assert bag.ROLLED == [0, 0]


async def test_it_is_ended_when_it_takes_too_long(start: Start, ada: Member, room: int) -> None:
    async with start(modules=DICE, command_wait_s=0.05) as node, visiting(node, ada.token) as http:
        answer = await http.post(f"/v1.0/rooms/{room}/commands", json={"text": "/slow", "client_id": str(uuid4())})
    assert "longer than 0.05 seconds" in assert_problem(answer, 503, "unavailable")["detail"]


async def test_a_long_answer_is_cut(ada: Member, room: int) -> None:
    body = (await typed(ada, room, "/long")).json()["event"]["body"]
    assert len(body) < 4_100
    assert body.endswith("…\n\n(cut: there were 50000 characters)")


async def test_there_are_only_so_many_at_once_and_in_a_minute(start: Start, ada: Member, room: int) -> None:
    async with (
        start(modules=DICE, commands_at_once=1, commands_per_minute=3) as node,
        visiting(node, ada.token) as http,
    ):

        async def post(text: str) -> httpx.Response:
            return await http.post(f"/v1.0/rooms/{room}/commands", json={"text": text, "client_id": str(uuid4())})

        running = asyncio.create_task(post("/slow"))
        while not bag.ROLLED:
            await asyncio.sleep(0.01)
        assert_problem(await post("/roll 6"), 503, "busy")
        bag.GO.set()
        assert (await running).status_code == 200
        assert (await post("/roll 6")).status_code == 200
        answer = await post("/roll 6")
        assert int(answer.headers["Retry-After"]) > 0
        assert_problem(answer, 429, "too_many")


async def test_a_stranger_runs_nothing_in_the_room(ada: Member, stranger: Member, room: int) -> None:
    assert_problem(await typed(stranger, room, "/roll 6"), 404, "not_found")
    assert_problem(await typed(stranger, 2**60, "/roll 6"), 404, "not_found")
    assert bag.ROLLED == []


async def test_who_has_left_runs_nothing_and_sees_no_earlier_answer(ada: Member, bob: Member, room: int) -> None:
    await bob.join(room)
    client_id = str(uuid4())
    assert (await typed(bob, room, "/roll 6", client_id)).status_code == 200
    await bob.leave(room)
    assert_problem(await typed(bob, room, "/roll 6", client_id), 404, "not_found")


@pytest.mark.parametrize(
    "given", [{}, {"text": "/roll 6"}, {"text": "/", "client_id": str(uuid4())}, {"text": "/a\x00", "client_id": "x"}]
)
async def test_what_is_malformed_is_refused(ada: Member, room: int, given: dict[str, Any]) -> None:
    assert_problem(await ada.http.post(f"/api/v1.0/rooms/{room}/commands", json=given), 400, "invalid")


async def test_a_long_text_is_refused(ada: Member, room: int) -> None:
    assert_problem(await typed(ada, room, "/me " + "x" * 10_000), 400, "invalid")


async def test_the_list_holds_what_the_caller_may_type(ada: Member, admin: Member) -> None:
    hers = {each["name"]: each for each in (await ada.http.get("/api/v1.0/commands")).json()["commands"]}
    his = {each["name"] for each in (await admin.http.get("/api/v1.0/commands")).json()["commands"]}
    assert hers["roll"] == {"name": "roll", "usage": "/roll SIDES [TIMES]", "about": "Rolls a die."}
    assert list(hers) == sorted(hers)
    assert his - set(hers) == {"shut"}


async def test_help_lists_the_commands_for_the_caller_alone(ada: Member, room: int) -> None:
    listed = (await typed(ada, room, "/help")).json()
    assert listed["event"] is None
    assert "- `/roll SIDES [TIMES]` Rolls a die." in listed["answer"].splitlines()
    assert (await typed(ada, room, "/help /roll")).json()["answer"] == "- `/roll SIDES [TIMES]` Rolls a die."
    assert_problem(await typed(ada, room, "/help nope"), 400, "invalid")


async def test_me_says_what_one_does(ada: Member, room: int) -> None:
    event = (await typed(ada, room, "/me waves *hello*")).json()["event"]
    assert (event["kind"], event["body"]) == ("message", r"*Ada waves \*hello\**")


async def test_invite_lets_somebody_in_by_name(ada: Member, bob: Member, room: int, database: Any) -> None:
    name = f"Zoë {uuid4().hex[:6]}"
    await database.execute("UPDATE users SET name = $2 WHERE id = $1", bob.id, name)
    assert (await typed(ada, room, f"/invite @{name.upper()}")).json()["answer"] == f"{name} is in this room."
    assert (await bob.http.get(f"/api/v1.0/rooms/{room}")).status_code == 200
    assert "Nobody is called" in assert_problem(await typed(ada, room, "/invite nobody-here"), 400, "invalid")["detail"]


async def test_a_message_that_begins_with_a_slash_is_a_message(ada: Member, room: int) -> None:
    await ada.say(room, "/roll 6")
    (event,) = await said(ada, room)
    assert (event["kind"], event["body"]) == ("message", "/roll 6")
    assert bag.ROLLED == []


CLASHING = """
from folkmoot.actions import Call, Nothing, action
from folkmoot.slash.said import Said


@action(command="roll")
async def another(call: Call, _: Nothing) -> Said:
    \"\"\"Wants a name that is taken.\"\"\"
    return Said(body="")
"""


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("", "/roll is both the action dice.roll and the action greed.another"),
        ("help", "/help is both the action commands.describe and the action greed.another"),
        ("No Name", "/No Name (greed.another) must be a small letter"),
    ],
)
def test_a_clash_of_names_names_both_when_it_is_loaded(
    settings: Settings, tmp_path: Path, changed: str, says: str
) -> None:
    folder = tmp_path / "greed"
    folder.mkdir()
    (folder / "actions.py").write_text(CLASHING.replace("roll", changed or "roll"))
    with pytest.raises(CommandFailed, match=re.escape(says)):
        load_modules(settings.model_copy(update={"modules": (*DICE, str(folder)), "modules_strict": True}))
