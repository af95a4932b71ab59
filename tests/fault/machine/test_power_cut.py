"""The power goes: what was acknowledged is on the disk. And the test can tell: without fsync it is not."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from folkmoot import database as durable
from tests.conftest import Start
from tests.fault.machine.database import database_in, setting
from tests.fault.machine.disk import Disk, mounted, repair
from tests.fault.machine.talk import Room, Talk, listening
from tests.realtime.python_client import using

WRITERS = 8
ENOUGH = 300  # acknowledged messages before the cut

# Each forgets in its own way. The second is as if the log writer of the server had not had its turn yet.
FORGETFUL = {
    "fsync": {"fsync": "off"},
    "synchronous_commit": {"synchronous_commit": "off", "wal_writer_delay": "10s"},
}


async def talk_until_the_cut(start: Start, disk: Disk, room: Room, image: Path, **settings: str) -> Talk:
    """People talk; then the disk is copied as it is, and everything that ran on it is gone."""
    async with database_in(disk.root / "data", before=(), **settings) as database:
        assert all([await setting(database.dsn, name) == value for name, value in settings.items()])
        async with (
            start(database_url=SecretStr(database.dsn), database_wait_s=0.5) as node,
            using(node.port, room.ada, timeout=0.5) as writer,
            Talk(room.id) as talk,
            listening(talk, 2, node.port, room.bob, "/ws"),
        ):
            await writer.connect()
            for _ in range(WRITERS):
                talk.write(writer, tries=1)
            await talk.goes_on(ENOUGH)
            await asyncio.sleep(random.random() * 0.05)  # noqa: S311 - chance, not secrecy
            await database.freeze()
            disk.snapshot(image)
            await talk.end()  # what the server had said before it froze is heard, and counts
            await database.kill()
    return talk


@asynccontextmanager
async def power_is_back(image: Path) -> AsyncIterator[str]:
    """The address of the server on the disk as the cut left it."""
    repair(image)
    with mounted(image, image.with_suffix("")) as disk:
        async with database_in(disk.root / "data") as database:
            yield database.dsn


async def test_a_power_cut_loses_nothing_that_was_acknowledged(
    start: Start, disk: Disk, room: Room, ground: Path
) -> None:
    image = ground / "cut.img"
    talk = await talk_until_the_cut(start, disk, room, image)
    async with power_is_back(image) as dsn:
        report = await talk.judge(dsn)
        assert report.acknowledged >= ENOUGH
        assert not report.anomalies, report
        async with start(database_url=SecretStr(dsn)) as node, using(node.port, room.ada) as sdk:
            await sdk.connect()
            await sdk.client.publish(f"room:{room.id}", {"body": "back", "client_id": str(uuid4())})


@pytest.mark.parametrize("name", FORGETFUL)
async def test_the_cut_is_real_a_server_that_forgets_is_caught(
    start: Start, disk: Disk, room: Room, ground: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The product refuses such a server, so that has to be switched off for it."""
    monkeypatch.setattr(durable, "DURABLE", {})
    image = ground / f"{name}.img"
    talk = await talk_until_the_cut(start, disk, room, image, **FORGETFUL[name])
    async with power_is_back(image) as dsn:
        report = await talk.judge(dsn)
    assert report.names["lost-write"] > 0, report
