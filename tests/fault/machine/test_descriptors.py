"""A node whose descriptors are all in use: those who are in go on talking, nobody spins, and it recovers by itself."""

import asyncio
import os
import socket
from contextlib import ExitStack
from pathlib import Path

from folkmoot.app import Node
from folkmoot.settings import Settings
from tests.fault.machine.talk import Talk, listening
from tests.fault.nodes import Server, serving
from tests.people import enrol
from tests.realtime.python_client import using
from tests.realtime.wire import until

DESCRIPTORS = 256
CALLERS = 500
WATCHED_S = 1.0


def processor_s(pid: int) -> float:
    """Seconds of a core that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def call(port: int) -> socket.socket:
    caller = socket.socket()
    caller.setblocking(False)
    caller.connect_ex(("127.0.0.1", port))
    return caller


def is_sent_away(caller: socket.socket) -> bool:
    try:
        return caller.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 503"
    except BlockingIOError:
        return False


async def load_of(server: Server) -> float:
    """The share of a core that it uses."""
    before = processor_s(server.pid)
    await asyncio.sleep(WATCHED_S)
    return (processor_s(server.pid) - before) / WATCHED_S


async def test_a_node_without_descriptors_keeps_those_it_has_and_takes_others_when_it_can(
    node: Node, settings: Settings, free_port: int, tmp_path: Path
) -> None:
    limit = ("prlimit", f"--nofile={DESCRIPTORS}")
    places = {"dsn": settings.dsn, "redis_url": settings.redis_dsn, "settings": {"FOLKMOOT_DRAIN_S": "0.2"}}
    async with (
        enrol(node, "Ada") as ada,
        serving(free_port, tmp_path / "server.log", command=limit, **places) as server,
        Talk(await ada.make_room()) as talk,
        listening(talk, 3, free_port, ada.token, "/ws") as readers,
        using(free_port, ada.token) as writer,
    ):
        await writer.connect()
        with ExitStack() as calls:
            callers = [calls.enter_context(call(free_port)) for _ in range(CALLERS)]
            await until(lambda: sum(map(is_sent_away, callers)) >= CALLERS - DESCRIPTORS)
            assert await load_of(server) < 0.5
            assert DESCRIPTORS / 2 < server.descriptors() < DESCRIPTORS
            talk.write(writer, pause_s=0.02)
            await talk.goes_on(50)
            # This takes more links to the database than it had.
            channel = f"room:{talk.room}"
            pages = await asyncio.gather(*(reader.client.history(channel, limit=10) for reader in readers * 10))
            assert all(len(page.publications) == 10 for page in pages)
        await server.answers(5.0)
        async with using(free_port, ada.token) as newcomer:
            await newcomer.connect()
            report = await talk.judge(settings.dsn, readers)
        assert not report.anomalies, report
        assert [sdk.times("connected") for sdk in (writer, *readers)] == [1, 1, 1, 1], "nobody lost their connection"
