"""What was said last, read once for everybody: never too little, never of another log."""

import asyncio

import pytest

from folkmoot.realtime import recent
from folkmoot.realtime.channels import Position
from folkmoot.realtime.recent import Recent
from tests.people import Member
from tests.realtime.listeners import Log, entry
from tests.realtime.test_subscribing import since
from tests.realtime.wire import wired

NAME = "log:1"


async def between(kept: Recent, log: Log, after: int, end: int | None = None) -> list[int] | None:
    """The offsets of what is given."""
    position = Position(log.epoch, log.head if end is None else end)
    found = await kept.between(log, NAME, after, position)
    assert found is None or [one.encoded for one in found] == [entry(one.offset) for one in found]
    return None if found is None else [one.offset for one in found]


@pytest.fixture
def log() -> Log:
    log = Log()
    log.head = 10
    return log


async def test_a_thousand_who_ask_at_once_cost_one_read(log: Log) -> None:
    kept = Recent()
    answers = await asyncio.gather(*(between(kept, log, after % 5 + 3) for after in range(1000)))
    assert answers == [list(range(after % 5 + 4, 11)) for after in range(1000)]
    assert log.reads <= 4, "one for the first, and one for each who had missed more"
    assert await between(kept, log, 6, 8) == [7, 8], "a position that was read earlier is no shorter log"
    assert log.reads <= 4


async def test_what_was_said_since_is_read_in_addition(log: Log) -> None:
    kept = Recent()
    assert await between(kept, log, 2) == list(range(3, 11))
    log.head = 12
    assert await between(kept, log, 2) == list(range(3, 13))
    assert await between(kept, log, 11) == [12]
    assert log.reads == 2


async def test_who_missed_more_gets_all_of_it(log: Log) -> None:
    kept = Recent()
    assert await between(kept, log, 8) == [9, 10]
    assert await between(kept, log, 0) == list(range(1, 11))
    assert await between(kept, log, 8) == [9, 10]
    assert log.reads == 2


async def test_a_log_with_another_epoch_shares_nothing(log: Log) -> None:
    kept = Recent()
    await between(kept, log, 0)
    log.epoch = "another"
    assert await between(kept, log, 5) == [6, 7, 8, 9, 10]
    assert log.reads == 2
    log.epoch, log.head = "third", 6
    assert await between(kept, log, 5) == [6]
    assert log.reads == 3


async def test_what_the_log_does_not_have_whole_is_not_given_and_not_kept(log: Log) -> None:
    kept = Recent()
    assert await between(kept, log, 3, end=14) is None
    log.head = 14
    assert await between(kept, log, 3) == list(range(4, 15))


async def test_what_is_kept_grows_old(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "KEPT_S", 0.05)
    kept = Recent()
    await between(kept, log, 0)
    await asyncio.sleep(0.06)
    await between(kept, log, 0)
    assert log.reads == 2


async def test_memory_is_bounded(log: Log) -> None:
    kept = Recent(most_bytes=sum(len(entry(offset)) for offset in range(1, 11)) * 2)
    for number in range(5):
        await kept.between(log, f"log:{number}", 0, Position(log.epoch, 10))
    assert list(kept._runs) == ["log:3", "log:4"]
    log.head = 1_000
    assert len(await between(kept, log, 0) or ()) == 1_000, "too much to keep is given all the same"
    assert kept._size_bytes == sum(run.size_bytes for run in kept._runs.values()) <= kept._most_bytes


async def test_an_error_is_not_kept_and_blocks_nobody(log: Log) -> None:
    kept = Recent()
    log.is_away = True
    results = await asyncio.gather(*(between(kept, log, 0) for _ in range(3)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Unavailable"] * 3
    log.is_away = False
    assert await between(kept, log, 0) == list(range(1, 11))
    assert kept._reading == {}


async def test_what_members_were_given_is_not_for_who_has_left(ada: Member, bob: Member) -> None:
    """Both come back for the same entries while they are kept; only one is a member still."""
    room_id = await ada.make_room()
    await bob.join(room_id)
    channel = f"room:{room_id}"
    async with wired(ada.node.port) as hers:
        seen = await hers.connect(ada.token)
    await ada.say(room_id, "missed")
    subs = {channel: since(seen, room_id)}
    async with wired(ada.node.port) as hers, wired(ada.node.port) as his:
        for wire, member in ((hers, ada), (his, bob)):
            result = await wire.connect(member.token, subs=subs)
            assert [pub["data"]["body"] for pub in result["subs"][channel]["publications"]] == ["missed"]
    await bob.leave(room_id)
    async with wired(ada.node.port) as his:
        result = await his.connect(bob.token, subs=subs)
        assert channel not in result.get("subs", {})
    assert ada.node.engine.recent._runs[channel].end == seen["subs"][channel]["offset"] + 1, "it was kept"
