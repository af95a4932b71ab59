"""Clocks that jump by an hour, of a node and its database: nobody is cut off or signed out, nothing changes place."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

from folkmoot.settings import Settings
from tests.fault.machine.clock import Clock
from tests.fault.machine.database import database_in
from tests.fault.machine.disk import Disk
from tests.fault.machine.talk import Room, Talk, listening
from tests.fault.nodes import Server, serving
from tests.people import NO_TLS
from tests.realtime.python_client import using

HOUR_S = 3_600
PING_S, PONG_S = 1.0, 2.0  # an hour is a long time for both


async def clock_of_database(dsn: str) -> datetime:
    connection = await asyncpg.connect(dsn)
    try:
        now = await connection.fetchval("SELECT clock_timestamp()")
    finally:
        await connection.close()
    assert isinstance(now, datetime)
    return now


def clock_of(server: Server) -> datetime:
    """What it last wrote into its log."""
    return datetime.fromisoformat(server.log.read_text().splitlines()[-1].split()[0])


def is_off_by(now: datetime, seconds: int) -> bool:
    return abs(now - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=30)


async def test_clocks_that_jump_change_nothing_but_the_times_that_are_shown(
    settings: Settings, disk: Disk, room: Room, ground: Path, free_port: int, tmp_path: Path
) -> None:
    clock = Clock(ground / "clock")
    quick = {"FOLKMOOT_DRAIN_S": "0.2", "FOLKMOOT_SOCKET_PING_S": str(PING_S), "FOLKMOOT_SOCKET_PONG_S": str(PONG_S)}
    async with (
        database_in(disk.root / "data", before=clock.command) as database,
        serving(
            free_port,
            tmp_path / "server.log",
            dsn=database.dsn,
            redis_url=settings.redis_dsn,
            settings={**quick, **clock.environment},
        ) as server,
        httpx.AsyncClient(base_url=server.url, verify=NO_TLS, trust_env=False) as http,
        using(free_port, room.ada) as writer,
        Talk(room.id) as talk,
        listening(talk, 3, free_port, room.bob, "/ws", max_server_ping_delay=PONG_S) as readers,
    ):
        await writer.connect()
        for _ in range(3):
            talk.write(writer, pause_s=0.02)
        for wrong_s in (HOUR_S, -HOUR_S, 0):
            clock.shift(wrong_s)
            await talk.goes_on(30)
            await asyncio.sleep(PING_S + PONG_S)
            answer = await http.get("/api/v1.0/rooms", headers={"Authorization": f"Bearer {room.bob}"})
            assert answer.status_code == 200, "a session of days outlives an hour"
            async with asyncio.timeout(5):  # a request is in the log after its answer
                while not is_off_by(clock_of(server), wrong_s):
                    await asyncio.sleep(0.05)
            assert is_off_by(await clock_of_database(database.dsn), wrong_s), "for this test to mean anything"
            async with using(free_port, room.bob) as newcomer:
                await newcomer.connect()
        report = await talk.judge(database.dsn, readers)
        assert not report.anomalies, report
        assert [sdk.times("connected") for sdk in (writer, *readers)] == [1, 1, 1, 1], "no heart missed a beat"
        assert server.complaints() == []
