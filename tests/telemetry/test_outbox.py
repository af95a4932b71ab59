"""Where lines go: nobody who logs waits for it, however slow, full or gone the other end is."""

import asyncio
import errno
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from folkmoot.app import Node
from folkmoot.settings import Settings
from folkmoot.telemetry.outbox import Outbox, lines, to_file
from folkmoot.testing import generous
from tests.cli.words import COMMAND, environment
from tests.people import enrol
from tests.ports import free_ports
from tests.realtime.wire import until, wired
from tests.telemetry.served import read_lines, reading, ready, run_python, samples, value


class Slow:
    """A writer that writes when it is let."""

    def __init__(self) -> None:
        self.may_write, self.was_asked = threading.Event(), threading.Event()
        self.is_full = False
        self.written: list[str] = []

    def __call__(self, text: str) -> None:
        self.was_asked.set()
        self.may_write.wait()
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written += text.splitlines()


@pytest.fixture
def slow() -> Iterator[Slow]:
    writer = Slow()
    yield writer
    writer.may_write.set()


def line(number: int) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, "", 0, f"line {number}", None, None)


async def test_lines_that_find_the_queue_full_are_dropped_and_counted_and_the_next_one_says_so(slow: Slow) -> None:
    outbox, before = Outbox(slow, most=10), lines.dropped
    outbox.handle(line(0))
    await until(slow.was_asked.is_set)
    for number in range(1, 100):
        outbox.handle(line(number))  # would hang here
    assert lines.dropped - before == 89
    slow.may_write.set()
    await until(lambda: len(slow.written) == 12)
    outbox.handle(line(100))
    outbox.close()
    first = [f"line {number}" for number in range(11)]
    assert slow.written == [first[0], "89 lines were lost before this one", *first[1:], "line 100"]


async def test_a_full_disk_loses_lines_and_nothing_else(slow: Slow) -> None:
    outbox, before = Outbox(slow, most=10), lines.dropped
    slow.is_full = True
    slow.may_write.set()
    outbox.handle(line(1))
    await until(lambda: lines.dropped == before + 1)
    slow.is_full = False
    outbox.handle(line(2))
    outbox.close()
    assert slow.written == ["1 lines were lost before this one", "line 2"]


def test_a_line_that_cannot_be_formatted_is_still_a_line(slow: Slow) -> None:
    slow.may_write.set()
    outbox = Outbox(slow, most=10)
    outbox.handle(logging.LogRecord("library", logging.INFO, "", 0, "%d", ("no number",), None))
    outbox.close()
    assert slow.written == ["A line of library cannot be written: TypeError"]


async def test_a_pipe_that_nobody_reads_stops_nobody(node: Node, settings: Settings, tmp_path: Path) -> None:
    """The whole server: it goes on, its metrics say what is lost, and it ends in time."""
    port, admin_port, _ = free_ports(3)
    changes = {
        "DATABASE_URL": settings.dsn, "REDIS_URL": settings.redis_dsn, "API_MODE": "dev",
        "FOLKMOOT_PORT": str(port), "FOLKMOOT_ADMIN_PORT": str(admin_port), "LOG_FORMAT": "json",
        "FOLKMOOT_DRAIN_S": "0.2", "FOLKMOOT_DATABASE_POOL": "4", "LOG_QUEUE": "50", **generous.environment(),
    }  # fmt: skip
    unread, written = os.pipe()
    fcntl.fcntl(written, fcntl.F_SETPIPE_SZ, 4096)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "serve", cwd=tmp_path, env=environment(**changes), stdout=written, stderr=written
    )
    os.close(written)
    try:
        async with enrol(node, "Ada") as ada, reading(admin_port) as admin, reading(port) as http:
            await ready(admin, process)
            room_id = await ada.make_room()
            async with wired(port, ada.token) as wire:
                for _ in range(8):  # more than the pipe holds, and then more than the queue does
                    await asyncio.gather(*(http.get("/nope") for _ in range(20)))
                async with asyncio.timeout(10):
                    await wire.post(room_id, "still here")
                dropped = value(samples((await admin.get("/metrics")).text), "folkmoot_log_lines_dropped_total")
                assert dropped > 0, "for this test to mean anything, lines must be lost"
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                assert await process.wait() == 0
    finally:
        os.close(unread)
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_a_file_is_rotated_by_size_and_the_earlier_ones_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "folkmoot.log"
    run_python(
        "for number in range(300): log.info('thing.done', number=number)",
        LOG_FORMAT="json", LOG_FILE=str(path), LOG_FILE_BYTES="20000", LOG_FILES="3",
    )  # fmt: skip
    files = sorted(path.parent.iterdir())
    assert [one.name for one in files] == ["folkmoot.log", "folkmoot.log.1", "folkmoot.log.2", "folkmoot.log.3"]
    assert all(one.stat().st_size <= 20_000 for one in files)
    found = [
        one["folkmoot.number"] for file in (*reversed(files[1:]), files[0]) for one in read_lines(file.read_text())
    ]
    assert found == list(range(found[0], 300)), "every line is whole, and they are in order"
    assert found[0] > 0, "for this test to mean anything, the oldest must be gone"


def test_a_file_that_cannot_be_written_is_an_error_that_is_counted(tmp_path: Path) -> None:
    write = to_file(tmp_path, most_bytes=1_000, kept=1)  # a folder
    with pytest.raises(OSError, match="directory"):
        write("line\n")
