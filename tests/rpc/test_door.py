"""Nobody comes in without a token: every method that reflection tells of, and those it does not."""

from uuid import uuid4

import asyncpg
import grpc
import pytest

from folkmoot.app import Node
from folkmoot.proto import folkmoot_pb2 as pb
from tests.conftest import Start
from tests.people import Member, enrol
from tests.rpc.words import Metadata, Program, all_methods, bearer, channel_to, outcome, refused

HEALTH = {f"/grpc.health.v1.Health/{name}" for name in ("Check", "List", "Watch")}
REFLECTION = {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}
API = {"/api.Api/sayHello", "/api.Api/getAll", "/api.Api/getStream"}
OWN = {f"/folkmoot.v1.Folkmoot/{name}" for name in ("Send", "History", "Subscribe", "Call")}
STRANGER = ("UNAUTHENTICATED", "not_signed_in")


async def token_for(member: Member, *scopes: str) -> str:
    answer = await member.http.post("/api/v1.0/tokens", json={"name": "A program", "scopes": scopes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def expired_token(member: Member, database: "asyncpg.Connection[asyncpg.Record]") -> str:
    answer = await member.http.post("/api/v1.0/tokens", json={"name": "Old", "scopes": ["all"]})
    await database.execute(
        "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = $1", answer.json()["about"]["id"]
    )
    return str(answer.json()["token"])


async def revoked_token(member: Member, channel: grpc.aio.Channel) -> str:
    answer = await member.http.post("/api/v1.0/tokens", json={"name": "Gone", "scopes": ["all"]})
    token = str(answer.json()["token"])
    await Program(channel, token).call("rooms", "mine")  # it was good, and is remembered
    assert (await member.http.delete(f"/api/v1.0/tokens/{answer.json()['about']['id']}")).status_code == 204
    return token


async def test_the_methods_are_those_we_know_of(channel: grpc.aio.Channel, ada: Member) -> None:
    assert set(await all_methods(channel, bearer(ada.token))) == OWN | API | HEALTH | REFLECTION


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", ""),),
        (("authorization", "Bearer"),),
        (("authorization", "Bearer "),),
        (("authorization", "Basic YWRhOnNlY3JldA=="),),
        (("authorization", "Bearer wrong"),),
        (("authorization", f"Bearer {'x' * 300}"),),
        (("authorization", "Bearer fmt_mistyped"),),
        (("cookie", "sid=wrong"),),
    ],
    ids=lambda metadata: str(metadata)[:60],
)
async def test_every_method_refuses_whoever_shows_no_token(
    channel: grpc.aio.Channel, ada: Member, metadata: Metadata
) -> None:
    for method in await all_methods(channel, bearer(ada.token)):
        if method not in HEALTH:
            assert await outcome(channel, method, metadata) == STRANGER, method


async def test_every_method_refuses_two_tokens(channel: grpc.aio.Channel, ada: Member, bob: Member) -> None:
    for method in OWN | API | REFLECTION:
        assert await outcome(channel, method, bearer(ada.token) + bearer(bob.token)) == STRANGER, method


async def test_every_method_refuses_a_token_that_has_ended(
    channel: grpc.aio.Channel, ada: Member, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    ended = [await expired_token(ada, database), await revoked_token(ada, channel)]
    for method in await all_methods(channel, bearer(ada.token)):
        for token in ended if method not in HEALTH else ():
            assert await outcome(channel, method, bearer(token)) == STRANGER, method


async def test_every_method_refuses_a_token_that_was_made_for_something_else(
    channel: grpc.aio.Channel, ada: Member
) -> None:
    room = await ada.make_room()
    other = bearer(await token_for(ada, "accounts"))
    asked = {
        "Send": pb.SendRequest(room_id=room, body="Hello", client_id=str(uuid4())),
        "History": pb.HistoryRequest(room_id=room),
        "Subscribe": pb.SubscribeRequest(room_id=room),
        "Call": pb.CallRequest(module="rooms", action="mine"),
    }
    assert {f"/folkmoot.v1.Folkmoot/{name}" for name in asked} == OWN, "a new method needs a line here"
    for name, request in asked.items():
        method, given = f"/folkmoot.v1.Folkmoot/{name}", request.SerializeToString()
        refusal = await outcome(channel, method, other, given)
        assert refusal == ("PERMISSION_DENIED", "insufficient_scope"), method
        assert await outcome(channel, method, bearer(ada.token), given) == ("OK", ""), method


async def test_a_token_for_reading_does_not_send(channel: grpc.aio.Channel, ada: Member) -> None:
    room = await ada.make_room()
    reader = Program(channel, await token_for(ada, "messages.history"))
    assert (await reader.history(room)).events
    await reader.listen(room)
    async with refused(grpc.StatusCode.PERMISSION_DENIED, "insufficient_scope"):
        await reader.say(room, "Hello")


async def test_a_method_that_is_not_there_is_a_secret_to_strangers(channel: grpc.aio.Channel, ada: Member) -> None:
    for method in ("/folkmoot.v1.Folkmoot/Nope", "/nope.Nope/Nope"):
        assert await outcome(channel, method) == STRANGER
        assert await outcome(channel, method, bearer(ada.token)) == ("UNIMPLEMENTED", "unknown_method")


async def test_health_needs_no_token(channel: grpc.aio.Channel) -> None:
    for method in HEALTH:
        assert await outcome(channel, method) == ("OK", "")


async def test_what_the_operator_opens_and_nothing_else_needs_no_token(start: Start) -> None:
    async with start(grpc_port=0, grpc_open=("api", "reflection")) as node, channel_to(node) as channel:
        assert set(await all_methods(channel, ())) == OWN | API | HEALTH | REFLECTION
        for method in API:
            assert await outcome(channel, method) == ("OK", "")
        for method in OWN:
            assert await outcome(channel, method) == STRANGER


async def test_bytes_that_are_no_message_are_refused_and_harm_nobody(channel: grpc.aio.Channel, ada: Member) -> None:
    for method in await all_methods(channel, bearer(ada.token)):
        refusal = await outcome(channel, method, bearer(ada.token), b"\xff\xff\xff")
        assert refusal == ("INVALID_ARGUMENT", "malformed"), method
    assert await outcome(channel, "/api.Api/getAll", bearer(ada.token)) == ("OK", "")


async def test_a_message_that_is_too_large_is_refused_before_it_is_read(node: Node, program: Program) -> None:
    room = node.core.settings.grpc_message_bytes
    async with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, ""):
        await program.call("rooms", "mine", " " * room)


async def test_no_line_of_the_log_holds_a_token(
    node: Node, channel: grpc.aio.Channel, capfd: pytest.CaptureFixture[str]
) -> None:
    async with enrol(node, "Grace") as grace:
        capfd.readouterr()
        await Program(channel, grace.token).call("rooms", "mine")
        assert await outcome(channel, "/folkmoot.v1.Folkmoot/Call", bearer("canary")) == STRANGER
        said = "".join(capfd.readouterr())
    assert said.count("grpc.call") == 2
    assert "duration_s" in said
    assert grace.token not in said
    assert "canary" not in said
