"""Several workers on one port: each serves, none is missed when it dies, and all end together."""

import asyncio
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.fault.supervised import one_socket_on_each, supervised
from tests.fault.test_kill_nine import whole_log, write
from tests.people import Member, enrol
from tests.realtime.python_client import Sdk
from tests.realtime.wire import until

KILLS = 3


async def gone(processes: list[psutil.Process], within_s: float = 10.0) -> None:
    await until(lambda: not any(_lives(process) for process in processes), within_s)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_what_is_said_on_one_worker_is_heard_on_the_other_and_all_end_when_asked(
    node: Node, settings: Settings, ada: Member, bob: Member, tmp_path: Path
) -> None:
    room_id = await ada.make_room()
    await bob.join(room_id)
    async with supervised(settings, tmp_path) as running:
        await running.ready(2)
        workers = running.workers
        assert len(workers) == 2
        async with one_socket_on_each(running, [ada.token, bob.token]) as sockets:
            assert sorted(sockets) == sorted(worker.pid for worker in workers), "each has got connections"
            one, other = sockets.values()
            await one.post(room_id, "from the one")
            assert (await other.expect_event(room_id, 3))["body"] == "from the one"
            await other.post(room_id, "from the other")
            assert (await one.expect_event(room_id, 4))["body"] == "from the other"
            await asyncio.gather(*(_get(running.port, "/readyz") for _ in range(40)))
            began = time.monotonic()
            running.process.terminate()
            assert {await one.expect_close(), await other.expect_close()} == {3001}
        assert await running.ended() == 0, running.lines[-5:]
        assert time.monotonic() - began < 5
        assert not any(_lives(worker) for worker in workers)
        named = {line["folkmoot.worker"] for line in running.said("worker.ready")}
        assert named == {1, 2}
        assert not running.said("worker.died")
        answered = {line["folkmoot.worker"] for line in running.lines if line.get("url.path") == "/readyz"}
        assert answered == {1, 2}, "both answer, and each says that it was it"


async def _get(port: int, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_killed_worker_is_started_again_and_nothing_acknowledged_is_lost(
    node: Node, settings: Settings, tmp_path: Path
) -> None:
    acknowledged: dict[str, str] = {}
    enough = asyncio.Event()
    async with (
        enrol(node, "Ada") as ada,
        enrol(node, "Bob") as bob,
        supervised(settings, tmp_path) as running,
    ):
        room_id = await ada.make_room()
        await bob.join(room_id)
        channel = f"room:{room_id}"
        await running.ready(2)
        writers = [Sdk(running.port, ada.token, "/ws", timeout=1.0) for _ in range(6)]
        readers = [Sdk(running.port, bob.token, "/ws", timeout=1.0) for _ in range(4)]
        for sdk in (*writers, *readers):
            await sdk.connect()
        async with asyncio.TaskGroup() as group:
            for number, sdk in enumerate(writers):
                group.create_task(write(sdk, channel, number, acknowledged, enough))
            for turn in range(KILLS):
                await _more(acknowledged, 60)
                running.workers[turn % 2].kill()
                await running.ready(3 + turn)
            await _more(acknowledged, 60)
            enough.set()
        log = await whole_log(ada, room_id)
        messages = Counter(str(event["client_id"]) for event in log if event["kind"] == "message")
        assert not [one for one in acknowledged if not messages[one]], "lost-write"
        assert not [one for one, times in messages.items() if times > 1], "duplicate"
        for reader in readers:
            await until(lambda: len(log) in reader.heard(channel))  # noqa: B023
            heard = reader.heard(channel)
            assert heard == list(range(heard[0], len(log) + 1)), "poll-skip or duplicate"
        for sdk in (*writers, *readers):
            await sdk.client.disconnect()
        assert await running.stop() == 0
        assert len(running.said("worker.died")) == KILLS


async def _more(acknowledged: dict[str, str], count: int) -> None:
    before = len(acknowledged)
    await until(lambda: len(acknowledged) >= before + count, 30)


async def test_nobody_is_refused_while_a_worker_is_started_again_nor_while_all_are_replaced(
    settings: Settings, migrated: None, tmp_path: Path
) -> None:
    async with supervised(settings, tmp_path) as running:
        await running.ready(2)
        running.workers[0].kill()
        await asyncio.gather(*(_get(running.port, "/healthz") for _ in range(50)))
        await running.ready(3)
        before = {worker.pid for worker in running.workers}
        running.process.send_signal(signal.SIGHUP)
        answered = 0
        while not running.said("workers.replaced"):
            await _get(running.port, "/healthz")
            answered += 1
        assert answered
        after = {worker.pid for worker in running.workers}
        assert len(after) == 2
        assert not before & after
        assert len(running.said("worker.died")) == 1, "the one that was killed"
        assert await running.stop(signal.SIGINT) == 0


async def test_no_worker_outlives_a_killed_supervisor(settings: Settings, migrated: None, tmp_path: Path) -> None:
    async with supervised(settings, tmp_path) as running:
        await running.ready(2)
        workers = running.workers
        running.process.kill()
        await gone(workers)


async def test_a_worker_whose_supervisor_is_killed_at_its_start_ends_too(
    settings: Settings, migrated: None, tmp_path: Path
) -> None:
    async with supervised(settings, tmp_path) as running:
        await until(lambda: running.workers, 30)
        workers = running.workers
        running.process.kill()
        await gone(workers)


async def test_a_worker_that_hangs_does_not_keep_the_supervisor(
    settings: Settings, migrated: None, tmp_path: Path
) -> None:
    async with supervised(settings, tmp_path) as running:
        await running.ready(2)
        hanging = running.workers[0]
        hanging.suspend()
        began = time.monotonic()
        assert await running.stop() == 1
        assert time.monotonic() - began < 20
        assert not _lives(hanging)
        assert any("Not every worker ended in order" in line.get("said", "") for line in running.lines)


async def test_workers_that_die_again_and_again_end_the_supervisor(
    settings: Settings, migrated: None, tmp_path: Path
) -> None:
    async with supervised(settings, tmp_path) as running:
        began = time.monotonic()
        while running.process.returncode is None:
            for worker in running.workers:
                with suppress(psutil.NoSuchProcess):
                    worker.kill()
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 60
        assert await running.ended() == 1
        assert any("as soon as they are started" in line.get("said", "") for line in running.lines)
        assert "Traceback" not in str(running.lines)


async def test_too_many_connections_are_said_at_start_and_a_port_that_is_taken(
    settings: Settings, migrated: None, tmp_path: Path
) -> None:
    async with supervised(settings, tmp_path, FOLKMOOT_DATABASE_POOL="600") as running:
        await running.ready(2)
        (said,) = running.said("workers.too_many_connections")
        assert said["folkmoot.wanted"] == 2 * (600 + 2), "those of jobs among them"
        folder = tmp_path / "second"
        folder.mkdir()
        async with supervised(settings, folder, "--port", str(running.port)) as second:
            assert await second.ended() == 1
            assert any("cannot be used" in line.get("said", "") for line in second.lines)
        assert await running.stop() == 0
