"""Nodes that know who is there, and a channel of the test's own."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from folkmoot.bus import Bus
from folkmoot.realtime import presence as presence_module
from folkmoot.realtime.presence import Presence
from folkmoot.settings import Settings
from tests.realtime.presence.nodes import present


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "GATHER_S", 0.02)


@pytest.fixture
async def one(settings: Settings) -> AsyncIterator[Presence]:
    async with present(settings) as made:
        yield made


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Presence]:
    async with present(settings) as made:
        yield made


@pytest.fixture
def channel() -> str:
    return f"room:{uuid4().hex}"


@pytest.fixture
async def driven(settings: Settings) -> AsyncIterator[Presence]:
    """One that tells what has changed when the test says so: `_write`, and that it lives: `_renew`."""
    bus = Bus(settings.redis_dsn)
    made = Presence(uuid4().hex[:12], bus)
    await bus.start()
    await made._renew()
    yield made
    await made.close()
    await bus.close()
