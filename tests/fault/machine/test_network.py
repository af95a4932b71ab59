"""A network that swallows packets: both ends notice in time, and nobody misses anything when they are back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from folkmoot.app import Node, running
from folkmoot.listening import listen
from folkmoot.settings import Settings
from tests.fault.checker import quantile
from tests.fault.machine.network import Namespace, namespace
from tests.fault.machine.talk import Listener, Talk
from tests.people import enrol
from tests.realtime.python_client import Sdk, using
from tests.realtime.wire import PATIENCE_S, until

# The shipped times, ten times as fast, and so is the limit of 45 seconds. Only the time in which a peer may answer a
# close frame is as it is.
FASTER = 10
PING_S, PONG_S, CLOSE_S = 25 / FASTER, 10 / FASTER, 2
NOTICE_S = (45 - CLOSE_S) / FASTER + CLOSE_S

SLOWEST_S = 3.0  # on a bad line


@asynccontextmanager
async def node_behind(network: Namespace, settings: Settings, **changes: object) -> AsyncIterator[Node]:
    """A node that listens in another network. It is on the same database and Redis as the tests' node."""
    changed = settings.model_copy(update={"host": "0.0.0.0", **changes})  # noqa: S104 - of a namespace
    with network.entered():
        listening = listen(changed)
    async with running(changed, listening) as node:
        yield node


async def everybody_is_present(sdk: Sdk, channel: str, users: list[int]) -> None:
    """Waits for it: who came back is written down a moment after they are let in."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            presence = await sdk.client.presence(channel)
            if sorted(int(info.user) for info in presence.clients.values()) == sorted(users):
                return
            await asyncio.sleep(0.02)


async def test_both_ends_of_a_silent_line_notice_and_nothing_is_missed(node: Node, settings: Settings) -> None:
    """Three clients at once: cut off both ways, unable to reach the server, and unable to hear it."""
    with namespace() as network:
        apart, mute, deaf = network.addresses[:3]
        async with (
            node_behind(network, settings, socket_ping_s=PING_S, socket_pong_s=PONG_S) as far,
            enrol(node, "Ada") as ada,
            enrol(node, "Bob") as bob,
            AsyncExitStack() as stack,
        ):
            room_id = await ada.make_room()
            await bob.join(room_id)
            talk = await stack.enter_async_context(Talk(room_id))
            near = await stack.enter_async_context(using(node.port, ada.token))
            await near.connect()
            listeners = []
            for address in (apart, mute, deaf):
                listener = Listener(
                    talk.history, address, room_id, far.port, bob.token, "/ws",
                    host=address, timeout=1.0, max_server_ping_delay=PONG_S,
                )  # fmt: skip
                stack.push_async_callback(listener.client.disconnect)
                await listener.connect()
                listeners.append(listener)
                talk.write(listener, pause_s=0.05)
            talk.write(near, pause_s=0.02)
            await talk.goes_on(40)

            network.deafen(apart)
            network.silence(apart)
            network.deafen(mute)
            network.silence(deaf)
            began = time.monotonic()
            await until(lambda: all(listener.times("connecting") == 2 for listener in listeners))
            await until(lambda: len(far.connections) == 0)
            assert time.monotonic() - began < NOTICE_S
            await talk.goes_on(40)

            network.heal()
            await until(lambda: all(listener.times("connected") == 2 for listener in listeners), 15)
            await talk.goes_on(40)
            await everybody_is_present(near, f"room:{room_id}", [ada.id, bob.id, bob.id, bob.id])
            report = await talk.judge(settings.dsn, listeners)
            assert not report.anomalies, report
            for listener in listeners:
                assert listener.subscriptions(f"room:{room_id}", own=False)[-1].recovered


FAULTS: dict[str, Callable[[Namespace], None]] = {
    "a tenth of all packets lost": lambda network: network.lose(0.1),
    "one megabit a second": lambda network: network.narrow("1mbit"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_bad_line_is_slow_and_complete(node: Node, settings: Settings, fault: str) -> None:
    with namespace() as network:
        async with (
            node_behind(network, settings) as far,
            enrol(node, "Ada") as ada,
            AsyncExitStack() as stack,
        ):
            talk = await stack.enter_async_context(Talk(await ada.make_room()))
            FAULTS[fault](network)
            listeners = []
            for number in range(6):
                listener = Listener(
                    talk.history, f"reader {number}", talk.room, far.port, ada.token, "/ws", host=network.addresses[0]
                )
                stack.push_async_callback(listener.client.disconnect)
                await listener.connect()
                listeners.append(listener)
                talk.write(listener, pause_s=0.05)
            await talk.goes_on(120, within_s=30)
            report = await talk.judge(settings.dsn, listeners)
            assert not report.anomalies, report
            # Of so few, the slowest hundredth is chance: somebody's packet that was lost four times in a row.
            assert quantile(report.send_s, 0.95) < SLOWEST_S, report
            assert quantile(report.lag_s, 0.95) < SLOWEST_S, report
