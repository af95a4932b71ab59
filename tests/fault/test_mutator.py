"""R27: whatever a client says, the node goes on, logs no exception, and the others notice nothing.

The short form has the same examples each time. The long one looks for others:
`MUTATIONS=10000 .venv/bin/python -m pytest tests/fault/test_mutator.py`
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
import uvloop
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from folkmoot.realtime.codes import SERVER_ERROR, ErrorCode
from folkmoot.settings import Settings
from tests.fault.crowd import enrol, make_room
from tests.fault.mutator import packets
from tests.fault.nodes import Server, serving
from tests.ports import free_port
from tests.realtime.support import CLOSE, TEXT, Raw
from tests.realtime.wire import Wire, until, wired

MUTATIONS = int(os.environ.get("MUTATIONS", "150"))
GROWTH_BYTES = 20 << 20
POOLS = 20  # connections to PostgreSQL and Redis that are made when they are needed
INTERNAL = b'"error":{"code":%d,' % ErrorCode.INTERNAL
QUIET_S = 0.015  # after which nothing more is waited for: a frame whose length lies is never answered


@dataclass
class Stage:
    """A node in a process of its own; somebody who says strange things, and two who talk in the same room."""

    loop: asyncio.AbstractEventLoop
    server: Server
    token: str
    room: int
    talking: Wire
    listening: Wire

    def run(self, scene: Awaitable[None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(30):
                await scene

        self.loop.run_until_complete(bounded())

    async def suffer(self, written: Sequence[bytes]) -> None:
        """One client says all this, and leaves. Then it is as it was."""
        raw = await Raw.connect(self.server.port)
        hearing = asyncio.create_task(_hear(raw))
        for packet in written:
            if raw.writer.is_closing():
                break  # the node has heard enough
            raw.write(packet)
            await asyncio.sleep(0)
        await hearing
        raw.abort()
        assert self.server.complaints() == []
        await self.talk()

    async def talk(self) -> None:
        """The others still hear each other."""
        client_id = str(uuid4())
        self.listening.pushes.clear()
        await self.talking.post(self.room, "undisturbed", client_id)
        await self.listening.hears(
            lambda: any(pub["data"]["client_id"] == client_id for pub in self.listening.of(self.room))
        )


async def _hear(raw: Raw) -> None:
    """Reads what the node says to the strange one, until it hangs up or has nothing more to say."""
    with suppress(TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        while True:
            async with asyncio.timeout(QUIET_S):
                heard = await raw.read()
            assert heard.opcode != TEXT or INTERNAL not in heard.payload, heard
            assert heard.opcode != CLOSE or heard.code != SERVER_ERROR.code, heard


@asynccontextmanager
async def a_stage(settings: Settings, folder: Path, loop: asyncio.AbstractEventLoop) -> AsyncIterator[Stage]:
    database = await asyncpg.connect(settings.dsn)
    people = await enrol(database, 3)
    room = await make_room(database, people)
    await database.close()
    strange, one, other = (person.token for person in people)
    places = {"dsn": settings.dsn, "redis_url": settings.redis_dsn}
    async with (
        serving(free_port(), folder / "node.log", **places) as server,
        wired(server.port, one) as talking,
        wired(server.port, other) as listening,
    ):
        yield Stage(loop, server, strange, room, talking, listening)


@pytest.fixture(scope="module")
def stage(settings: Settings, migrated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """On a loop of its own, which stands still between two examples."""
    loop = uvloop.new_event_loop()
    making = a_stage(settings, tmp_path_factory.mktemp("stage"), loop)
    yield loop.run_until_complete(making.__aenter__())
    loop.run_until_complete(making.__aexit__(None, None, None))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_whatever_a_client_says_the_node_goes_on_and_the_others_notice_nothing(stage: Stage) -> None:
    @given(st.data())
    @examples(
        max_examples=MUTATIONS,
        derandomize="MUTATIONS" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def suffer(data: st.DataObject) -> None:
        stage.run(stage.suffer(data.draw(packets(stage.token, stage.room))))

    stage.run(stage.talk())
    descriptors, resident = stage.server.descriptors(), stage.server.resident_bytes()
    suffer()
    stage.run(_until_back_at(stage.server, descriptors))
    assert stage.server.resident_bytes() - resident < GROWTH_BYTES


async def _until_back_at(server: Server, descriptors: int) -> None:
    await until(lambda: server.descriptors() <= descriptors + POOLS)
