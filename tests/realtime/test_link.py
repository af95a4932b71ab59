"""The link to Redis: who may open it, what it hears, and what becomes of a Redis that talks nonsense or nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from folkmoot.bus import QUEUE_LIMIT, Bus
from folkmoot.link import QUEUE_BYTES, Link
from folkmoot.settings import Settings
from tests.realtime.wire import until


@pytest.fixture
async def guest(redis: Redis, settings: Settings) -> AsyncIterator[str]:
    """The address for somebody who has a name and a password, and may use topics of tests only."""
    await redis.execute_command("ACL", "SETUSER", "guest", "reset", "on", ">secret", "&folkmoot:0:t:*", "+@all", "~*")
    yield settings.redis_dsn.replace("unix://", "unix://guest:secret@")
    await redis.execute_command("ACL", "DELUSER", "guest")


@asynccontextmanager
async def hearing(url: str, topic: str = "t:a") -> AsyncIterator[tuple[Bus, list[bytes]]]:
    bus, heard = Bus(url), list[bytes]()
    bus.receive(topic, heard.append)
    await bus.start()
    try:
        yield bus, heard
    finally:
        await bus.close()


async def test_what_one_says_all_hear_in_order(settings: Settings) -> None:
    async with hearing(settings.redis_dsn) as (one, first), hearing(settings.redis_dsn) as (_, second):
        said = [b"%d" % number for number in range(1000)]
        for word in said:
            one.publish("t:a", word)
        await until(lambda: len(first) == len(second) == len(said))
    assert first == second == said


async def test_bytes_of_any_kind_arrive_as_they_are(settings: Settings) -> None:
    said = [b"", b"\r\n$-1\r\n", bytes(range(256)), b"x" * 300_000]
    async with hearing(settings.redis_dsn) as (bus, heard):
        for word in said:
            bus.publish("t:a", word)
        await until(lambda: len(heard) == len(said))
    assert heard == said


async def test_what_has_another_database_of_redis_is_another_installation(settings: Settings) -> None:
    third = settings.redis_dsn.replace("db=0", "db=3")
    async with hearing(settings.redis_dsn) as (_, zero), hearing(third) as (bus, three), Redis.from_url(third) as redis:
        bus.tell("SET", "folkmoot:t:key", "here")
        bus.publish("t:a", b"hello")
        await until(lambda: three == [b"hello"])
        assert await redis.getdel("folkmoot:t:key") == b"here"
    assert zero == []


async def test_name_and_password_of_the_address_are_used(guest: str) -> None:
    async with hearing(guest) as (bus, heard):
        assert bus.is_up
        bus.publish("t:a", b"hello")
        await until(lambda: heard == [b"hello"])


@pytest.mark.parametrize("wrong", [("guest:secret", "guest:guess"), ("guest:secret", "nobody:secret")])
async def test_who_is_not_let_in_does_not_believe_to_listen(guest: str, wrong: tuple[str, str]) -> None:
    async with hearing(guest.replace(*wrong)) as (bus, _):
        assert not bus.is_up


async def test_a_topic_that_is_refused_is_not_believed_to_be_heard(guest: str) -> None:
    async with hearing(guest, "elsewhere") as (bus, _):
        assert not bus.is_up


@pytest.mark.parametrize(
    "nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 100, b">3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n"]
)
async def test_a_server_that_talks_nonsense_is_given_up(short_path: Path, nonsense: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(nonsense)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(talk, short_path / "n.sock")
    async with server, hearing(f"unix://{short_path}/n.sock") as (bus, heard):
        assert not bus.is_up
        assert heard == []


async def test_what_a_command_says_that_never_listens_is_said_at_the_end(settings: Settings) -> None:
    async with hearing(settings.redis_dsn) as (_, heard):
        command = Bus(settings.redis_dsn)
        command.publish("t:a", b"the last word")
        await command.close()
        await until(lambda: heard == [b"the last word"])


async def test_a_redis_that_does_not_read_fills_no_memory(short_path: Path) -> None:
    """It is full at some point; from then on hints wait in the bounded queue, and the oldest of them are dropped."""
    silent = asyncio.Event()

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_unix_server(never_read, short_path / "s.sock", limit=1)
    async with server:
        link = await Link.open(f"unix://{short_path}/s.sock", ["t"], lambda topic, payload: None)
        while not link.is_full:
            link.say([("PUBLISH", "t", b"x" * 100_000)])
        assert link._transport is not None
        assert QUEUE_BYTES < link._transport.get_write_buffer_size() < QUEUE_BYTES + 200_000
        bus = Bus("unix:///nowhere")
        bus._link = link
        for _ in range(QUEUE_LIMIT + 5):
            bus.publish("t", b"x")
        await asyncio.sleep(0)
        assert (len(bus._outgoing), bus.dropped) == (QUEUE_LIMIT, 5)
        bus._outgoing.clear()
        link._fail("the test is over")
        silent.set()
        await bus.close()
