"""Who is told who comes into a channel and goes: those who asked, in channels that are not too large.

A channel that somebody watches on any node has a key in Redis. Nodes learn from it whether what changed there need be
told at all, and tell it once for all who watch: so many lines in one frame, which whoever lags behind does without.
"""

from typing import NamedTuple

from folkmoot.bus import PREFIX, Bus
from folkmoot.realtime.fanout import Outlet, fan_out
from folkmoot.realtime.frames import text_frame
from folkmoot.realtime.protocol import join_push, leave_push
from folkmoot.realtime.roll import Roll

TOPIC = "presence"
LARGEST = 100  # clients of a channel on one node, up to which it is told who comes and goes


class Diff(NamedTuple):
    """Who came and who has gone, with their users."""

    came: dict[str, int]
    gone: dict[str, int]


def diff_of(roll: Roll) -> Diff | None:
    """What is worth telling: nothing when nothing has changed, or too much, or the channel is too large."""
    if (roll.came or roll.gone) and max(len(roll.clients), len(roll.came), len(roll.gone)) <= LARGEST:
        return Diff(roll.came, roll.gone)
    return None


class Watching:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._watchers: dict[str, dict[str, Outlet]] = {}
        self._unannounced: set[str] = set()
        bus.receive(TOPIC, self._heard)

    def enter(self, channel: str, client: str, outlet: Outlet) -> None:
        self._watchers.setdefault(channel, {})[client] = outlet
        self._unannounced.add(channel)

    def leave(self, channel: str, client: str) -> None:
        if watchers := self._watchers.get(channel):
            watchers.pop(client, None)
            if not watchers:
                del self._watchers[channel]

    def announce_again(self) -> None:
        """What Redis was told runs out."""
        self._unannounced.update(self._watchers)

    async def announce(self, lease_s: int) -> None:
        """Tells all nodes which channels are watched here."""
        if not self._unannounced:
            return
        pipeline = self._bus.redis.pipeline(transaction=False)
        for channel in self._unannounced:
            pipeline.set(watched_key(channel), 1, ex=lease_s)
        if await self._bus.ask(pipeline.execute(raise_on_error=False)) is not None:
            self._unannounced = set()

    def tell(self, channel: str, diff: Diff) -> None:
        """Tells whoever watches the channel, on all nodes and this one."""
        came = [join_push(channel, client, user) for client, user in diff.came.items()]
        gone = [leave_push(channel, client, user) for client, user in diff.gone.items()]
        self._bus.publish(TOPIC, b"\n".join([channel.encode(), *came, *gone]))

    def _heard(self, payload: bytes) -> None:
        channel, _, lines = payload.partition(b"\n")
        watchers = self._watchers.get(channel.decode(), {})
        if not 0 < len(watchers) <= LARGEST:
            return
        fan_out(list(watchers.values()), text_frame(lines), is_kept=False)


def watched_key(channel: str) -> str:
    return f"{PREFIX}watched:{channel}"
