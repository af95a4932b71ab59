"""Folkmoot's own service: say something, read back, call anything."""

import json
from contextlib import AsyncExitStack
from uuid import uuid4

import grpc
import pytest

from folkmoot.app import Node
from folkmoot.errors import Error
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.rpc.status import FIELDS, status_of
from tests.conftest import Start
from tests.people import Member, enrol, enrol_bot
from tests.rpc.words import Program, channel_to, program_of, refused, told


async def test_what_is_sent_is_in_the_log(ada: Member, program: Program) -> None:
    room = await ada.make_room()
    said = await program.say(room, "Hello, Welt! 🌳")
    assert (said.room_id, said.kind, said.body, said.author.name) == (room, "message", "Hello, Welt! 🌳", "Ada")
    page = await program.history(room)
    assert page.events[-1] == said
    assert page.head_seq == said.seq
    kept = (await ada.http.get(f"/api/v1.0/rooms/{room}/events")).json()
    assert kept["epoch"] == page.epoch
    assert kept["events"][-1]["created_at"][:26] == said.created_at.ToDatetime().isoformat()[:26]
    assert kept["events"][-1]["client_id"] == said.client_id


async def test_a_repeat_of_a_message_is_the_same_event(ada: Member, program: Program) -> None:
    room, client_id = await ada.make_room(), str(uuid4())
    first = await program.say(room, "Once", client_id)
    assert await program.say(room, "Once", client_id) == first
    assert (await program.history(room)).head_seq == first.seq


async def test_history_goes_both_ways(ada: Member, program: Program) -> None:
    room = await ada.make_room()
    for number in range(5):
        await program.say(room, f"{number}")
    newest = await program.history(room, limit=2)
    assert ([event.seq for event in newest.events], newest.more) == ([5, 6], True)
    before = await program.history(room, before=3)
    assert ([event.seq for event in before.events], before.more) == ([1, 2], False)
    after = await program.history(room, after=0, limit=4)
    assert ([event.seq for event in after.events], after.more) == ([1, 2, 3, 4], True)
    assert not (await program.history(room, after=6)).events


async def test_a_page_is_never_larger_than_a_client_takes(start: Start) -> None:
    async with AsyncExitStack() as closing:
        node = await closing.enter_async_context(start(grpc_port=0, message_chars=20_000, grpc_message_bytes=1 << 20))
        channel = await closing.enter_async_context(channel_to(node))
        ada = await closing.enter_async_context(enrol(node, "Ada"))
        program, room = program_of(ada, channel), await ada.make_room()
        for _ in range(60):
            await program.say(room, "🌳" * 20_000)  # 80 kB each
        newest = await program.history(room, limit=200)
        assert newest.more
        assert newest.events[-1].seq == newest.head_seq
        oldest = await program.history(room, after=0, limit=200)
        assert oldest.more
        assert oldest.events[0].seq == 1
        rest = await program.history(room, after=oldest.events[-1].seq, limit=200)
        assert [event.seq for event in (*oldest.events, *rest.events)] == list(range(1, 62))


async def test_a_stranger_finds_nothing_and_changes_nothing(
    ada: Member, stranger: Member, program: Program, channel: grpc.aio.Channel
) -> None:
    room, theirs = await ada.make_room(visibility="private"), program_of(stranger, channel)
    for asked in (theirs.say(room, "Hello"), theirs.history(room), theirs.listen(room)):
        async with refused(grpc.StatusCode.NOT_FOUND, "not_found"):
            await asked
    assert (await program.history(room)).head_seq == 1


async def test_who_left_does_not_send_any_more(ada: Member, bob: Member, channel: grpc.aio.Channel) -> None:
    room, theirs = await ada.make_room(), program_of(bob, channel)
    await bob.join(room)
    await theirs.say(room, "Hello")
    await bob.leave(room)
    async with refused(grpc.StatusCode.NOT_FOUND, "not_found"):
        await theirs.say(room, "Still here")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (pb.SendRequest(), {"room_id", "body", "client_id"}),
        (pb.SendRequest(room_id=-1, body="x", client_id=str(uuid4())), {"room_id"}),
        (pb.SendRequest(room_id=1, body="", client_id=str(uuid4())), {"body"}),
        (pb.SendRequest(room_id=1, body="x\x00", client_id=str(uuid4())), {"body"}),
        (pb.SendRequest(room_id=1, body="x", client_id="1"), {"client_id"}),
    ],
    ids=str,
)
async def test_what_is_malformed_is_named_by_field(program: Program, given: pb.SendRequest, wrong: set[str]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await program.stub.Send(given, metadata=program.metadata)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    fields = told(caught.value.trailing_metadata())[FIELDS]
    assert json.loads(fields).keys() == wrong


async def test_pages_that_make_no_sense_are_refused(ada: Member, program: Program) -> None:
    room = await ada.make_room()
    for page in ({"before": 1, "after": 1}, {"limit": -1}, {"limit": 5_000}, {"after": -1}):
        async with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
            await program.history(room, **page)


async def test_any_action_can_be_called_by_its_name(ada: Member, program: Program) -> None:
    room = await ada.make_room("Orchard")
    assert room in [one["id"] for one in json.loads(await program.call("rooms", "mine"))["rooms"]]
    read = await program.call("messages", "mark_read", json.dumps({"room_id": room, "seq": 1}))
    assert json.loads(read) == {"read_seq": 1}


async def test_an_action_that_is_not_there_or_is_for_somebody_else_is_refused(program: Program) -> None:
    for module, action in (("rooms", "nope"), ("", ""), ("accounts", "sign_in"), ("rooms.mine", "")):
        async with refused(grpc.StatusCode.UNIMPLEMENTED, "unknown_method"):
            await program.call(module, action)
    async with refused(grpc.StatusCode.PERMISSION_DENIED, "forbidden"):
        await program.call("accounts", "accounts")
    for given in ("{", "[]", "1", '{"limit": '):
        async with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
            await program.call("rooms", "mine", given)


async def test_a_refusal_that_would_not_fit_is_cut_and_still_arrives(program: Program) -> None:
    unknown = {"x" * 300 + str(number): 1 for number in range(100)}
    async with refused(grpc.StatusCode.INVALID_ARGUMENT, "invalid"):
        await program.call("rooms", "mine", json.dumps(unknown))


async def test_a_bot_uses_it_with_its_token(node: Node, admin: Member, ada: Member, channel: grpc.aio.Channel) -> None:
    room = await ada.make_room()
    async with enrol_bot(admin, "Robin", "messages", "rooms") as bot:
        await bot.join(room)
        said = await program_of(bot, channel).say(room, "I am a bot")
    assert said.author.name == "Robin"


async def test_a_fault_says_nothing_of_what_is_inside(
    node: Node, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr("folkmoot.rpc.servicer.call_method", broken)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await program.call("rooms", "mine")
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value)


def test_every_error_has_a_status() -> None:
    kinds = [Error]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert len(kinds) > 15
    for kind in kinds:
        assert (status_of(kind) is grpc.StatusCode.INTERNAL) == (kind.status == 500), kind
