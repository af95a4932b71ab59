"""Commands while a part is away, and what refusals leave behind."""

import gc
from types import TracebackType
from uuid import uuid4

import pytest

from folkmoot.app import Node
from folkmoot.database import Database
from folkmoot.errors import Unavailable
from tests.people import Member
from tests.realtime.wire import wired


async def test_while_the_database_is_away_commands_are_refused_for_now(
    node: Node, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await ada.make_room()
    channel = f"room:{room_id}"
    async with wired(node.port, ada.token) as wire, wired(node.port) as late:
        with monkeypatch.context() as away:
            away.setattr(Database, "connection", _away)
            data = {"body": "hello", "client_id": str(uuid4())}
            for name, request in (
                ("rpc", {"method": "rooms.mine"}),
                ("publish", {"channel": channel, "data": data}),
                ("history", {"channel": channel}),
                ("subscribe", {"channel": channel}),
                ("presence", {"channel": channel}),
            ):
                error = (await wire.ask(name, **request))["error"]
                assert error["temporary"] is True, name
                assert error["code"] == 503
            # Who has no session in the cache either is told to come back, not to sign in.
            await node.core.bus.redis.flushall()
            error = (await late.ask("connect", token=ada.token))["error"]
            assert error["temporary"] is True
        await late.connect(ada.token)
        await wire.post(room_id, "hello", data["client_id"])
        await late.expect_event(room_id, 2)


def _away(_: Database) -> object:
    raise Unavailable("The database cannot be reached right now.")


async def events_of(member: Member, room_id: int) -> list[dict[str, object]]:
    return list(await member.events(room_id))


async def test_refusals_leave_nothing_behind(node: Node, ada: Member) -> None:
    """One that is kept and raised again would keep what it met each time."""
    room_id = await ada.make_room()
    async with wired(node.port, ada.token) as wire:
        await wire.subscribe(f"room:{room_id}")

        async def be_refused() -> None:
            assert await wire.refused("subscribe", channel="nowhere:1") == 102
            assert await wire.refused("subscribe", channel="room:999999999") == 103
            assert await wire.refused("subscribe", channel=f"room:{room_id}") == 105
            assert await wire.refused("history", channel="echo") == 108

        await be_refused()
        gc.collect()
        before = _tracebacks()
        for _ in range(10):
            await be_refused()
        gc.collect()
        assert _tracebacks() <= before + 3  # of another task, in this moment


def _tracebacks() -> int:
    return sum(isinstance(one, TracebackType) for one in gc.get_objects())
