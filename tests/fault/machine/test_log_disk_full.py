"""The disk that the node's log is on is full: people talk on, and the log goes on when there is room."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.fault.machine.disk import fill
from tests.fault.machine.talk import Talk, listening
from tests.fault.machine.tools import need, run
from tests.fault.nodes import serving
from tests.people import NO_TLS, enrol
from tests.realtime.python_client import using
from tests.realtime.wire import until

REQUESTS = 100


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A megabyte."""
    need("mount")
    root = tmp_path / "small"
    root.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root)
    try:
        yield root
    finally:
        run("umount", root)


async def test_a_log_that_cannot_be_written_stops_nobody(
    node: Node, settings: Settings, small_disk: Path, free_port: int
) -> None:
    loud = {"FOLKMOOT_DRAIN_S": "0.2", "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
    async with (
        enrol(node, "Ada") as ada,
        serving(
            free_port, small_disk / "server.log", dsn=settings.dsn, redis_url=settings.redis_dsn, settings=loud
        ) as server,
        httpx.AsyncClient(base_url=server.url, verify=NO_TLS, trust_env=False) as http,
        Talk(await ada.make_room()) as talk,
        listening(talk, 3, free_port, ada.token, "/ws") as readers,
        using(free_port, ada.token) as writer,
    ):
        await writer.connect()
        filler = fill(small_disk)
        talk.write(writer, pause_s=0.005)
        before = server.log.stat().st_size
        for _ in range(REQUESTS):
            assert (await http.get("/api")).status_code == 200
        await talk.goes_on(100)
        assert server.log.stat().st_size - before < 8_192, "for this test to mean anything, nothing fits any more"

        filler.unlink()
        assert (await http.get("/api/after")).status_code == 404
        await until(lambda: "/api/after" in server.log.read_text())
        report = await talk.judge(settings.dsn, readers)
        assert not report.anomalies, report
        assert [sdk.times("connected") for sdk in (writer, *readers)] == [1, 1, 1, 1]
        assert await server.terminate() == 0
