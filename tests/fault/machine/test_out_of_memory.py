"""The kernel kills a node for want of memory: nothing acknowledged is lost, and the other node does not notice."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.fault.machine.memory import Group, memory_group
from tests.fault.machine.talk import Talk, listening
from tests.fault.nodes import serving
from tests.people import enrol
from tests.realtime.python_client import using

LIMIT_BYTES = 512 << 20
KILLED = -9

# A neighbour in the same container. It waits for a word, and then takes nearly all there is.
NEIGHBOUR = f"""
import time
input()
taken = bytearray({LIMIT_BYTES - (40 << 20)})
taken[::4096] = taken[1::4096]
time.sleep(60)
"""


@contextmanager
def neighbour(group: Group) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([*group.command, sys.executable, "-c", NEIGHBOUR], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_node_that_is_killed_for_want_of_memory_loses_nothing_acknowledged(
    node: Node, settings: Settings, free_port: int, tmp_path: Path
) -> None:
    places = {"dsn": settings.dsn, "redis_url": settings.redis_dsn, "settings": {"FOLKMOOT_DRAIN_S": "0.2"}}
    with memory_group() as group, neighbour(group) as greedy:
        group.limit(LIMIT_BYTES)
        async with (
            enrol(node, "Ada") as ada,
            serving(free_port, tmp_path / "server.log", command=group.command, **places) as server,
            Talk(await ada.make_room()) as talk,
            using(free_port, ada.token, timeout=1.0) as writer,
            listening(talk, 3, free_port, ada.token, "/ws") as readers,
            listening(talk, 2, node.port, ada.token, "/ws") as others,
        ):
            await writer.connect()
            for _ in range(4):
                talk.write(writer)
            Path(f"/proc/{server.pid}/oom_score_adj").write_text("1000")  # of the two, the kernel takes the node
            await talk.goes_on(50)

            assert greedy.stdin is not None
            greedy.stdin.write(b"\n")
            greedy.stdin.close()
            assert await asyncio.wait_for(server.process.wait(), 10) == KILLED
            assert group.kills > 0, "for this test to mean anything"

            greedy.kill()
            await server.start()
            await talk.goes_on(50)
            report = await talk.judge(settings.dsn, [*readers, *others])
            assert not report.anomalies, report
            assert [sdk.times("connected") for sdk in (*readers, *others)] == [2, 2, 2, 1, 1]
