"""Each acknowledgement waits for the disk; and a disk that refuses is never taken for one that has written."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from folkmoot import database as product
from tests.conftest import Start
from tests.fault.machine.database import Database, database_in, setting
from tests.fault.machine.disk import Disk
from tests.fault.machine.talk import Room, Talk, listening
from tests.fault.machine.tools import need
from tests.realtime.python_client import using
from tests.realtime.wire import until

MESSAGES = 30


@asynccontextmanager
async def traced(database: Database, to: Path, *options: str) -> AsyncIterator[None]:
    """Writes down every time that one of its processes waits for the disk. `options` are further ones of strace."""
    need("strace")
    given = [part for option in options for part in ("-e", option)]
    processes = [part for process in database.processes() for part in ("-p", str(process.pid))]
    tracer = await asyncio.create_subprocess_exec(
        "strace", "-f", "-ttt", "-T", "-e", "trace=fdatasync,fsync", "-e", "signal=none", *given,
        "-o", to, *processes,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert tracer.stderr is not None
        async with asyncio.timeout(10):
            for _ in database.processes():
                assert b"attached" in await tracer.stderr.readline()
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        await tracer.communicate()


def waits(trace: Path) -> list[tuple[float, float]]:
    """When a wait for the disk began, and when it ended well."""
    begun: dict[str, float] = {}
    found = []
    for line in trace.read_text().splitlines():
        pid, at, said = line.split(maxsplit=2)
        if said.startswith(("fdatasync(", "fsync(")):
            begun[pid] = float(at)
        if " = 0 <" in said:
            found.append((begun[pid], begun[pid] + float(said.rpartition("<")[2].rstrip(">"))))
    return found


async def test_every_acknowledgement_has_waited_for_the_disk(
    start: Start, disk: Disk, room: Room, tmp_path: Path
) -> None:
    async with (
        database_in(disk.root / "data") as database,
        start(database_url=SecretStr(database.dsn)) as node,
        using(node.port, room.ada) as writer,
    ):
        assert await setting(database.dsn, "wal_sync_method") == "fdatasync", "for this test to mean anything"
        await writer.connect()
        sent: list[tuple[float, float]] = []
        async with traced(database, tmp_path / "trace"):
            for number in range(MESSAGES):
                began = time.time()
                await writer.client.publish(f"room:{room.id}", {"body": str(number), "client_id": str(uuid4())})
                sent.append((began, time.time()))
    found = waits(tmp_path / "trace")
    assert all(any(began < begun and done < ended for begun, done in found) for began, ended in sent), (sent, found)


async def test_a_server_that_goes_on_after_a_failed_write_is_refused(disk: Disk) -> None:
    async with database_in(disk.root / "data", data_sync_retry="on") as database:
        refused = product.Database(database.dsn, size=1, wait_s=1.0)
        with pytest.raises(product.NotDurable, match=r"data_sync_retry=off \(is on\)"):
            await refused.open()
        await refused.close()


async def test_a_failed_write_stops_the_database_until_it_has_read_its_log_and_nothing_is_lost(
    start: Start, disk: Disk, room: Room, tmp_path: Path
) -> None:
    """The disk refuses once. The database must not believe that a second try would tell it so again."""
    async with (
        database_in(disk.root / "data") as database,
        start(database_url=SecretStr(database.dsn), database_wait_s=0.5) as node,
        using(node.port, room.ada, timeout=2.0) as writer,
        Talk(room.id) as talk,
        listening(talk, 2, node.port, room.bob, "/ws") as readers,
    ):
        await writer.connect()
        for _ in range(8):
            talk.write(writer)
        await talk.goes_on(50)
        async with traced(database, tmp_path / "trace", "inject=fdatasync:error=EIO:when=10"):
            await until(lambda: "PANIC" in database.child.last_words())
        assert "could not fdatasync" in database.child.last_words()
        await talk.goes_on(50)
        report = await talk.judge(database.dsn, readers)
        assert not report.anomalies, report
        assert [reader.times("connected") for reader in readers] == [1, 1]
