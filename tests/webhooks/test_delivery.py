"""What happens in a room reaches the receiver: all of it, in order, signed, whatever fails on the way."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from folkmoot.jobs.job import Work
from folkmoot.modules.webhooks import jobs
from folkmoot.modules.webhooks.jobs import sweep
from tests.jobs.conftest import until
from tests.people import Member
from tests.webhooks.receiver import Receiver, is_signed_by

Rows = asyncpg.Connection


async def hook(root: Member, room_id: int, url: str) -> dict[str, Any]:
    answer = await root.http.post(f"/api/v1.0/rooms/{room_id}/webhooks", json={"url": url})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def state_of(root: Member, hook_id: int) -> dict[str, Any]:
    hooks = (await root.http.get("/api/v1.0/webhooks")).json()["hooks"]
    (found,) = (one for one in hooks if one["id"] == hook_id)
    return dict(found)


async def failed_jobs(root: Member) -> list[dict[str, Any]]:
    return list((await root.http.get("/api/v1.0/jobs/failed")).json()["jobs"])


async def is_in_state(root: Member, hook_id: int, state: str) -> bool:
    return bool((await state_of(root, hook_id))["state"] == state)


async def has_heard_all(root: Member, hook_id: int) -> bool:
    found = await state_of(root, hook_id)
    return bool(found["delivered_seq"] == found["head_seq"])


async def jobs_so_far(rows: Rows) -> int:
    """How many jobs were ever deferred."""
    return int(await rows.fetchval("SELECT last_value FROM procrastinate_jobs_id_seq"))


async def test_an_event_is_delivered_with_a_signature_that_anybody_can_check(
    root: Member, receiver: Receiver, rows: Rows
) -> None:
    room_id = await root.make_room("Kitchen")
    made = await hook(root, room_id, receiver.url)
    sent = await root.say(room_id, "Dinner is ready 🍲")
    await until(lambda: receiver.taken)
    (got,) = receiver.got
    assert is_signed_by(made["secret"], got)
    assert not is_signed_by("whsec_" + "A" * 43 + "=", got), "and not by another secret"
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 30
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.event == sent, "the same as members get it"
    assert b'"type":"room.message"' in got.body


async def test_the_check_in_the_docs_is_right(root: Member, receiver: Receiver, rows: Rows, checkout: Path) -> None:
    page = (checkout / "docs" / "how-to" / "webhooks.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    known: dict[str, Any] = {}
    exec(compile(code, "webhooks.md", "exec"), known)  # noqa: S102  # it is our own page
    is_genuine = known["is_genuine"]
    room_id = await root.make_room()
    secret = (await hook(root, room_id, receiver.url))["secret"]
    await root.say(room_id, "hello")
    await until(lambda: receiver.taken)
    (got,) = receiver.got
    assert is_genuine(secret, got.headers, got.body)
    assert not is_genuine(secret, got.headers, got.body + b" ")
    old = got.headers | {"webhook-timestamp": str(int(time.time()) - 301)}
    assert not is_genuine(secret, old, got.body)


async def test_what_was_said_before_is_not_told(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    await root.say(room_id, "before")
    await hook(root, room_id, receiver.url)
    await root.say(room_id, "after")
    await until(lambda: receiver.taken)
    assert [got.event["body"] for got in receiver.got] == ["after"]


async def test_other_rooms_are_not_told_of(root: Member, receiver: Receiver, rows: Rows) -> None:
    mine, other = await root.make_room("Mine"), await root.make_room("Other")
    await hook(root, mine, receiver.url)
    await root.say(other, "secret")
    await root.say(mine, "open")
    await until(lambda: receiver.taken)
    assert [got.event["room_id"] for got in receiver.got] == [mine]


async def test_the_order_holds_whatever_fails(root: Member, receiver: Receiver, rows: Rows) -> None:
    """Refusals, hang-ups, silence and errors: each event is delivered, none before the one before it."""
    room_id = await root.make_room()
    made = await hook(root, room_id, receiver.url)
    receiver.script = [500, 200, 0, 503, 200, -1, 404, 200, 302, 429, 200, 0]
    for number in range(12):
        await root.say(room_id, f"number {number}")
    await until(lambda: len(receiver.taken) >= 12)
    assert [got.event["body"] for got in receiver.taken] == [f"number {number}" for number in range(12)]
    seqs = [got.seq for got in receiver.got]
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(seqs))
    ids: dict[str, int] = {}
    for got in receiver.got:
        assert ids.setdefault(got.headers["webhook-id"], got.seq) == got.seq, "an id is of one event"
        assert is_signed_by(made["secret"], got)
    assert len(ids) == 12, "and a repetition has the same"


async def test_many_at_once_arrive_in_order(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    await hook(root, room_id, receiver.url)
    await asyncio.gather(*(root.say(room_id, f"{number}") for number in range(150)))
    await until(lambda: len(receiver.taken) >= 150)
    seqs = [got.seq for got in receiver.taken]
    assert seqs == list(range(seqs[0], seqs[0] + 150))


async def test_a_long_turn_ends_so_that_others_get_theirs(
    root: Member, receiver: Receiver, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("folkmoot.modules.webhooks.delivering.TURN_S", 0.0)
    room_id = await root.make_room()
    await hook(root, room_id, receiver.url)
    before = await jobs_so_far(rows)
    await root.say(room_id, "later")

    async def has_turned() -> bool:
        return await jobs_so_far(rows) > before + 2

    await until(has_turned)
    assert receiver.got == []
    monkeypatch.undo()
    await until(lambda: receiver.taken)


async def test_a_receiver_that_is_gone_is_told_nothing_more(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    made = await hook(root, room_id, receiver.url)
    receiver.always = 410
    await root.say(room_id, "are you there?")
    await until(lambda: is_in_state(root, made["hook"]["id"], "gone"))
    await root.say(room_id, "hello?")
    await sweep.run(Work(root.node.core, 0, 0), None)
    assert len(receiver.got) == 1
    receiver.always = 200
    assert (await root.http.post(f"/api/v1.0/webhooks/{made['hook']['id']}/retry")).status_code == 204
    await until(lambda: len(receiver.taken) == 2)


async def test_who_never_answers_is_failing_until_an_admin_tries_again(
    root: Member, receiver: Receiver, rows: Rows
) -> None:
    room_id = await root.make_room()
    made = await hook(root, room_id, receiver.url)
    hook_id = made["hook"]["id"]
    receiver.always = 500
    await root.say(room_id, "one")
    await until(lambda: len(receiver.got) >= 3)
    trying = await state_of(root, hook_id)
    assert (trying["state"], trying["error"]) == ("active", "The answer was 500.")
    assert trying["failures"] >= 2
    await rows.execute("UPDATE webhooks SET failing_since = now() - interval '25 hours' WHERE id = $1", hook_id)
    await until(lambda: is_in_state(root, hook_id, "failing"))
    await until(lambda: failed_jobs(root))
    failed = await failed_jobs(root)
    assert [(one["name"], one["error"]) for one in failed] == [("webhooks.deliver", "GiveUp: The answer was 500.")]
    before = len(receiver.got)
    await root.say(room_id, "two")
    await sweep.run(Work(root.node.core, 0, 0), None)
    receiver.always = 200
    assert len(receiver.got) == before
    assert (await root.http.post(f"/api/v1.0/webhooks/{hook_id}/retry")).status_code == 204
    await until(lambda: has_heard_all(root, hook_id))
    assert [got.event["body"] for got in receiver.taken] == ["one", "two"]
    healed = await state_of(root, hook_id)
    assert (healed["state"], healed["failures"], healed["error"]) == ("active", 0, None)
    assert (await root.http.get("/api/v1.0/jobs/failed")).json()["jobs"] == [], "its failed job is seen to"


async def test_the_failed_job_may_be_started_again_instead(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    hook_id = (await hook(root, room_id, receiver.url))["hook"]["id"]
    receiver.always = 500
    await root.say(room_id, "one")
    await until(lambda: receiver.got)
    await rows.execute("UPDATE webhooks SET failing_since = now() - interval '25 hours' WHERE id = $1", hook_id)
    await until(lambda: is_in_state(root, hook_id, "failing"))
    await until(lambda: failed_jobs(root))
    receiver.always = 200
    assert (await root.http.post("/api/v1.0/jobs/retry")).json() == {"retried": 1}
    await until(lambda: is_in_state(root, hook_id, "active"))
    await root.say(room_id, "two")
    await until(lambda: len(receiver.taken) == 2)


async def test_a_large_answer_and_a_redirect_are_not_followed(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    hook_id = (await hook(root, room_id, receiver.url))["hook"]["id"]
    receiver.script, receiver.headers = [302], f"Location: {receiver.url}/elsewhere\r\n"
    receiver.answer = b"x" * 1_000_000
    await root.say(room_id, "one")
    await root.say(room_id, "two")
    await until(lambda: has_heard_all(root, hook_id))
    assert [got.event["body"] for got in receiver.taken] == ["one", "two"]


async def test_what_nobody_noticed_is_swept_up(
    root: Member, receiver: Receiver, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: object) -> None:
        """As if the node had died before it could have the webhook told."""

    monkeypatch.setattr("folkmoot.modules.webhooks.lookout.wake", nobody)
    room_id = await root.make_room()
    await hook(root, room_id, receiver.url)
    await root.say(room_id, "unnoticed")
    await sweep.run(Work(root.node.core, 0, 0), None)
    await until(lambda: receiver.taken)


async def test_a_new_secret_signs_beside_the_old_one_for_a_day(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    made = await hook(root, room_id, receiver.url)
    answer = await root.http.post(f"/api/v1.0/webhooks/{made['hook']['id']}/secret")
    rotated = answer.json()["secret"]
    assert rotated != made["secret"]
    await root.say(room_id, "both")
    await until(lambda: len(receiver.taken) == 1)
    assert is_signed_by(rotated, receiver.got[0])
    assert is_signed_by(made["secret"], receiver.got[0])
    await rows.execute("UPDATE webhooks SET previous_until = now() - interval '1 second'")
    await root.say(room_id, "new")
    await until(lambda: len(receiver.taken) == 2)
    assert is_signed_by(rotated, receiver.got[1])
    assert not is_signed_by(made["secret"], receiver.got[1])


async def test_a_removed_webhook_is_told_nothing_more(root: Member, receiver: Receiver, rows: Rows) -> None:
    room_id = await root.make_room()
    first = (await hook(root, room_id, receiver.url))["hook"]["id"]
    assert (await root.http.delete(f"/api/v1.0/webhooks/{first}")).status_code == 204
    second = (await hook(root, room_id, receiver.url))["hook"]["id"]
    await root.say(room_id, "once")
    await until(lambda: has_heard_all(root, second))
    assert len(receiver.got) == 1


def test_the_jobs_have_the_pace_that_the_docs_say() -> None:
    assert (jobs.deliver.first_s, jobs.deliver.longest_s, jobs.sweep.cron) == (2.0, 3600.0, "* * * * *")
