"""The client for Python programs: what it gives, and that it comes back."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import grpc
import pytest

from folkmoot.app import Node
from folkmoot.client import Client, Position, Refused, Subscription
from folkmoot.errors import Unavailable
from tests.conftest import Start
from tests.fault.proxy import Proxy, proxy_to
from tests.people import Member
from tests.rpc.words import fill

QUICK = (0.02, 0.2)


@pytest.fixture
async def relay(node: Node) -> AsyncIterator[Proxy]:
    async with proxy_to(node.grpc_port or 0) as started:
        yield started


@pytest.fixture
async def client(relay: Proxy, ada: Member) -> AsyncIterator[Client]:
    """Ada's, through a relay that can be cut."""
    async with Client(f"127.0.0.1:{relay.port}", token=ada.token, back_off_s=QUICK) as opened:
        yield opened


async def heard(subscription: Subscription, count: int) -> list[str | None]:
    bodies = []
    async with asyncio.timeout(20):
        async for event in subscription:
            bodies.append(event.body)
            if len(bodies) == count:
                break
    return bodies


async def test_it_says_reads_back_and_calls(client: Client, ada: Member) -> None:
    room, client_id = await ada.make_room("Orchard"), uuid4()
    said = await client.send(room, "Hello", client_id=client_id)
    assert (said.kind, said.body, said.author.id, said.client_id, said.seq) == (
        "message",
        "Hello",
        ada.id,
        client_id,
        2,
    )
    assert said.created_at.tzinfo is not None
    assert await client.send(room, "Hello", client_id=client_id) == said
    page = await client.history(room, after=1)
    assert (page.events, page.head_seq, page.more) == ([said], 2, False)
    assert (await client.history(room, before=2)).events[0].body is None
    assert room in [one["id"] for one in (await client.call("rooms", "mine"))["rooms"]]


async def test_a_refusal_says_what_was_wrong(client: Client, stranger: Member) -> None:
    with pytest.raises(Refused) as caught:
        await client.send(0, "")
    assert (caught.value.status, caught.value.code) == (grpc.StatusCode.INVALID_ARGUMENT, "invalid")
    assert caught.value.fields.keys() == {"room_id", "body"}
    room = await stranger.make_room(visibility="private")
    with pytest.raises(Refused, match="NOT_FOUND"):
        await heard(client.subscribe(room), 1)


async def test_a_subscription_goes_on_where_another_stood(client: Client, node: Node, ada: Member) -> None:
    room = await ada.make_room()
    await fill(node, ada, room, ["one", "two", "three"])
    first = client.subscribe(room, after=0)
    assert await heard(first, 3) == [None, "one", "two"]
    assert first.position is not None
    assert first.position.epoch
    assert await heard(client.subscribe(room, after=first.position), 1) == ["three"]
    with pytest.raises(Refused, match="FAILED_PRECONDITION"):
        await heard(client.subscribe(room, after=Position(1, "another")), 1)


async def test_a_broken_connection_is_made_again_and_nothing_is_missed_or_repeated(
    client: Client, relay: Proxy, node: Node, ada: Member
) -> None:
    room = await ada.make_room()
    subscription = client.subscribe(room, after=0)
    listening = asyncio.create_task(heard(subscription, 31))
    for number in range(3):
        await fill(node, ada, room, [f"{number}a{each}" for each in range(5)])
        relay.reset()
        await fill(node, ada, room, [f"{number}b{each}" for each in range(5)])
        await asyncio.sleep(0.02)
    bodies = await listening
    assert len(set(bodies)) == 31
    assert subscription.position is not None
    assert subscription.position.offset == 31


async def test_before_the_first_word_it_already_has_a_position(
    client: Client, relay: Proxy, node: Node, ada: Member
) -> None:
    room = await ada.make_room()
    subscription = client.subscribe(room)
    listening = asyncio.create_task(heard(subscription, 1))
    while subscription.position is None:
        await asyncio.sleep(0.01)
    await relay.cut()
    await fill(node, ada, room, ["said while it was away"])
    await relay.mend()
    assert await listening == ["said while it was away"]


async def test_a_server_that_is_started_again_is_found_again(start: Start, ada: Member, free_port: int) -> None:
    room = await ada.make_room()
    async with Client(f"127.0.0.1:{free_port}", token=ada.token, back_off_s=QUICK) as client:
        subscription = client.subscribe(room, after=0)
        listening = asyncio.create_task(heard(subscription, 3))
        async with start(grpc_port=free_port):
            await client.send(room, "before")
        sending = asyncio.create_task(client.send(room, "while it was away"))
        async with start(grpc_port=free_port):
            await sending
            assert await listening == [None, "before", "while it was away"]


async def test_a_message_whose_answer_was_lost_is_sent_again_and_said_once(
    client: Client, relay: Proxy, node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, append = await ada.make_room(), node.core.writer.append
    lost: list[object] = []

    async def written_but_not_answered(draft: object) -> object:
        event = await append(draft)  # type: ignore[arg-type]
        if not lost:
            lost.append(event)
            relay.reset()
            raise Unavailable
        return event

    with monkeypatch.context() as patched:
        patched.setattr(type(node.core.writer), "append", staticmethod(written_but_not_answered))
        said = await client.send(room, "Once")
    assert lost
    assert (await client.history(room)).events[-1] == said
    assert said.seq == 2


async def test_trying_again_has_an_end(ada: Member, free_port: int) -> None:
    async with Client(f"127.0.0.1:{free_port}", token=ada.token, back_off_s=QUICK, within_s=0.5) as client:
        with pytest.raises(Refused, match="UNAVAILABLE") as caught:
            await client.send(1, "Nobody is there")
    assert caught.value.code == ""


async def test_a_revoked_token_ends_a_subscription_for_good(client: Client, ada: Member) -> None:
    room = await ada.make_room()
    subscription = client.subscribe(room)
    listening = asyncio.create_task(heard(subscription, 1))
    while subscription.position is None:
        await asyncio.sleep(0.01)
    assert (await ada.http.delete("/api/v1.0/session")).status_code == 204
    with pytest.raises(Refused, match="UNAUTHENTICATED"):
        await listening


def test_it_needs_nothing_of_the_server(checkout: Path) -> None:
    program = "import sys, folkmoot.client; print(sorted(name for name in sys.modules if name.startswith('folkmoot')))"
    said = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=True)
    loaded = [
        "folkmoot",
        "folkmoot.client",
        *(f"folkmoot.proto{each}" for each in ("", ".folkmoot_pb2", ".folkmoot_pb2_grpc")),
    ]
    assert said.stdout.strip() == str(loaded)


async def test_the_stubs_are_those_of_the_contracts() -> None:
    from scripts.stubs import KEPT, made

    for folder, package, contracts in KEPT:
        for name, text in made(package, contracts).items():
            assert (folder / name).read_text() == text, "Run `python scripts/stubs.py`."
