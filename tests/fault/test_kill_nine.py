"""kill -9 of the server in mid-conversation: nothing acknowledged is lost, nothing is shown twice."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest
from centrifuge import CentrifugeError

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.fault.nodes import serving
from tests.people import Member, enrol
from tests.realtime.python_client import Sdk, using
from tests.realtime.wire import until

KILLS = 3
WRITERS = 6
READERS = 4


async def write(sdk: Sdk, channel: str, number: int, acknowledged: dict[str, str], until_set: asyncio.Event) -> None:
    """Sends one message after the other, each again and again with one client id until it is acknowledged."""
    turn = 0
    while not until_set.is_set():
        body, client_id = f"{number}.{turn}", str(uuid4())
        while True:
            try:
                await sdk.client.publish(channel, {"body": body, "client_id": client_id})
                break
            except (CentrifugeError, TimeoutError):
                await asyncio.sleep(0.05)
        acknowledged[client_id] = body
        turn += 1


async def whole_log(member: Member, room_id: int) -> list[dict[str, object]]:
    events: list[dict[str, object]] = []
    while True:
        query = {"after": len(events), "limit": 200}
        page = (await member.http.get(f"/api/v1.0/rooms/{room_id}/events", params=query)).json()
        events += page["events"]
        if not page["more"]:
            return events


@pytest.mark.parametrize("seed", [20_261_121])
async def test_after_kill_nine_every_acknowledged_message_is_there_once_for_everybody(
    node: Node, settings: Settings, free_port: int, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    acknowledged: dict[str, str] = {}
    enough = asyncio.Event()
    async with (
        enrol(node, "Ada") as ada,
        enrol(node, "Bob") as bob,
        serving(free_port, tmp_path / "server.log", dsn=settings.dsn, redis_url=settings.redis_dsn) as server,
    ):
        room_id = await ada.make_room()
        await bob.join(room_id)
        channel = f"room:{room_id}"
        writers = [Sdk(server.port, ada.token, "/ws", timeout=1.0) for _ in range(WRITERS)]
        readers = [Sdk(server.port, bob.token, "/ws", timeout=1.0) for _ in range(READERS)]
        for sdk in (*writers, *readers):
            await sdk.connect()
        for reader in readers[::2]:
            await reader.subscribe(channel)

        def heard(reader: Sdk) -> list[int]:
            return reader.heard_itself(channel) if reader in readers[::2] else reader.heard(channel)

        async with asyncio.TaskGroup() as group:
            for number, sdk in enumerate(writers):
                group.create_task(write(sdk, channel, number, acknowledged, enough))
            for _ in range(KILLS):
                before = len(acknowledged)
                await until(lambda: len(acknowledged) > before + 100)  # noqa: B023
                await asyncio.sleep(chance.random() * 0.02)
                await server.kill()
                await server.start()
            before = len(acknowledged)
            await until(lambda: len(acknowledged) > before + 50)
            enough.set()

        log = await whole_log(ada, room_id)
        head = len(log)
        assert [event["seq"] for event in log] == list(range(1, head + 1))
        messages = [event for event in log if event["kind"] == "message"]
        times = Counter(str(event["client_id"]) for event in messages)
        assert not [client_id for client_id in acknowledged if times[client_id] == 0], "lost-write"
        assert not [client_id for client_id, count in times.items() if count > 1], "duplicate"
        assert len(messages) == len(acknowledged), "everything was acknowledged in the end"
        for number in range(WRITERS):
            own = [str(event["body"]) for event in messages if str(event["body"]).startswith(f"{number}.")]
            assert own == [f"{number}.{turn}" for turn in range(len(own))], "the order of a sender is kept"

        for reader in readers:
            await until(lambda: head in heard(reader))  # noqa: B023
            assert reader.times("connected") == KILLS + 1
            assert heard(reader) == list(range(heard(reader)[0], head + 1)), "poll-skip or duplicate"
            assert heard(reader)[0] <= 3
        for sdk in (*writers, *readers):
            await sdk.client.disconnect()


async def test_a_session_outlives_the_server(node: Node, settings: Settings, free_port: int, tmp_path: Path) -> None:
    async with (
        enrol(node, "Ada") as ada,
        serving(free_port, tmp_path / "server.log", dsn=settings.dsn, redis_url=settings.redis_dsn) as server,
        using(server.port, ada.token) as sdk,
    ):
        await sdk.connect()
        await server.kill()
        await node.core.bus.redis.flushall()
        await server.start()
        await until(lambda: sdk.times("connected") == 2)
        assert sdk.times("disconnected") == 0
