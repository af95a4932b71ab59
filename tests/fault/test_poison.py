"""R28: an event that nobody of ours would write is one event, and the conversation goes on after it."""

from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from folkmoot.app import Node
from folkmoot.bus import PREFIX, SHARDS
from tests.people import Member
from tests.realtime.wire import wired

JUNK: dict[str, tuple[str, str | None]] = {
    "a kind of a later version": ("reaction", '{"emoji":"👍"}'),
    "a message without a text": ("message", None),
    "a text with lines and quotes": ("message", 'one\ntwo\r\n"three"\\ \u2028 \x1f'),
    "a text that is far too long": ("message", "x" * 400_000),
}


@pytest.mark.parametrize(("kind", "body"), JUNK.values(), ids=JUNK)
async def test_a_strange_row_is_shown_and_what_follows_it_too(
    node: Node, ada: Member, database: "asyncpg.Connection[asyncpg.Record]", kind: str, body: str | None
) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        await database.execute(
            """
            WITH moved AS (UPDATE rooms SET head_seq = head_seq + 1 WHERE id = $1 RETURNING head_seq)
            INSERT INTO events (room_id, seq, kind, author_id, client_id, body, created_at)
            SELECT $1, head_seq, $2, $3, $4, $5, now() FROM moved
            """,
            *(room_id, kind, ada.id, uuid4(), body),
        )
        await wire.post(room_id, "after it")
        await wire.expect_event(room_id, 3)
        assert [(pub["data"]["kind"], pub["data"]["body"]) for pub in wire.of(room_id)] == [
            (kind, body),
            ("message", "after it"),
        ]
        page = await wire.do("history", channel=f"room:{room_id}", limit=10)
        assert [pub["offset"] for pub in page["publications"]] == [1, 2, 3]
    events = await ada.events(room_id)
    assert [event["body"] for event in events[1:]] == [body, "after it"]


@pytest.mark.parametrize("junk", [b"", b"\n", b"{}", b"[1]\n{}", b"\xff\xfe", b'{"node":"x","channel":"room:1"}\nx'])
async def test_junk_on_the_bus_is_left_alone(node: Node, ada: Member, redis: Redis, junk: bytes) -> None:
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        for shard in range(SHARDS):
            await redis.publish(f"{PREFIX}shard:{shard}", junk)
        await wire.post(room_id, "goes on")
        await wire.expect_event(room_id, 2)
        assert wire.offsets(room_id) == [2]
    assert node.core.bus.is_up
