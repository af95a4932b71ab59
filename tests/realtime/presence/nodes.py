"""The presence of a node without the node: it lives, it tells, and somebody watches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from folkmoot.bus import Bus
from folkmoot.realtime.presence import Presence
from folkmoot.settings import Settings
from tests.realtime.listeners import Listener
from tests.realtime.wire import until


@asynccontextmanager
async def present(settings: Settings) -> AsyncIterator[Presence]:
    """The presence of a node of its own, which lives."""
    bus = Bus(settings.redis_dsn)
    made = Presence(uuid4().hex[:12], bus)
    await bus.start()
    made.start()
    await until(lambda: made._is_alive)
    try:
        yield made
    finally:
        await made.close()
        await bus.close()


async def tell(driven: Presence) -> None:
    """Tells everything, and waits until who watches here has heard it: the bus keeps the order."""
    last, channel = Listener(), uuid4().hex
    driven.watch(channel, "last", last)
    driven.enter(channel, "last", 1)
    await driven._write()
    await until(lambda: last.frames)
    driven.exit(channel, "last")
    await driven._write()


async def until_same(presence: Presence, channel: str, wanted: dict[str, str]) -> None:
    async with asyncio.timeout(5):
        while await presence.of(channel) != wanted:
            await asyncio.sleep(0.01)


def told(watcher: Listener) -> list[tuple[str, str, str]]:
    found = []
    for line in watcher.lines:
        ((kind, push),) = ((kind, push) for kind, push in line["push"].items() if kind != "channel")
        found.append((kind, push["info"]["client"], push["info"]["user"]))
    return found


async def watching(presence: Presence, channel: str, client: str = "watcher") -> Listener:
    watcher = Listener()
    presence.watch(channel, client, watcher)
    async with asyncio.timeout(5):
        while not await presence._bus.redis.exists(f"folkmoot:watched:{channel}"):
            await asyncio.sleep(0.01)
    return watcher
