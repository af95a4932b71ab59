"""What happens to Redis, or to the line to it. Nobody may notice but by a little delay."""

import asyncio
import time

from folkmoot.tasks import end
from tests.fault.fault import Fault, Window
from tests.fault.world import World

PRESENT_S = 60.0
POLLED_S = 3.0  # what is not heard is found in the log by then


class _Redis(Fault):
    lag_s = POLLED_S

    async def verify(self, world: World, window: Window) -> str:
        assert set(window.outcomes()) == {"ok"}, window.outcomes()
        assert not window.endings, "sockets stay up"
        speed = window.assert_fast(0.5)  # nobody waits for Redis
        lag_s = window.lag_s()
        assert lag_s < self.lag_s, f"a message was shown {lag_s:.1f} s late"
        return f"{len(window.attempts)} sends, all taken, {speed}; shown after {lag_s:.1f} s at most"


async def _presence_whole(window: Window) -> float:
    """How long after the end everybody who is in a room was present again. Redis has forgotten them all."""
    asking = window.load.readers[-1]
    present = {client.name for client in window.load.clients if client.room == asking.room}
    while True:
        reply = await (await asking.connected()).answer("presence_stats", channel=asking.channel)
        if reply.get("presence_stats", {}).get("num_clients") == len(present):
            return time.monotonic() - window.ended
        assert time.monotonic() - window.ended < PRESENT_S, reply
        await asyncio.sleep(0.5)


class RedisKilled(_Redis):
    target = "Redis"
    number = 11
    name = "Redis is killed and comes back empty"
    done = "FLUSHALL, SIGKILL, started again empty at the end"
    expected = "messages are found in the log within 3 s; nobody is signed out; presence is whole within 60 s"
    lasts_s = (2.0, 10.0)

    async def begin(self, world: World) -> None:
        async with world.valkey.client() as redis:
            await redis.flushall()
        await world.valkey.kill()

    async def end(self, world: World) -> None:
        await world.valkey.start()

    async def verify(self, world: World, window: Window) -> str:
        seen = await super().verify(world, window)
        if world.is_quick:  # leases are renewed every 20 s, which is longer than a short run
            return seen
        return f"{seen}; presence whole again {await _presence_whole(window):.0f} s after"


class RedisStopped(_Redis):
    target = "Redis"
    number = 12
    name = "Redis hangs"
    done = "SIGSTOP, SIGCONT at the end"
    expected = "p99 of sends below 500 ms; messages are found in the log within 3 s"
    lasts_s = (3.0, 20.0)  # a node notices after two seconds

    async def begin(self, world: World) -> None:
        world.valkey.freeze()

    async def end(self, world: World) -> None:
        world.valkey.thaw()


class ListenersKilled(_Redis):
    target = "Redis"
    number = 13
    name = "Redis drops whoever listens"
    done = "CLIENT KILL TYPE pubsub, five times a second"
    expected = "nodes listen again, and what they missed is found in the log within 3 s"

    def __init__(self) -> None:
        self.killed = 0
        self._killing: asyncio.Task[None] | None = None

    async def begin(self, world: World) -> None:
        self._killing = asyncio.create_task(self._kill(world), name="kill listeners")

    async def _kill(self, world: World) -> None:
        async with world.valkey.client() as redis:
            while True:
                self.killed += int(await redis.client_kill_filter(_type="pubsub"))
                await asyncio.sleep(0.2)

    async def meanwhile(self, world: World) -> None:
        """On a busy machine nodes take their time to listen again; each must have lost it more than once."""
        async with asyncio.timeout(self.heals_s):
            while self.killed <= 2 * len(world.nodes):
                await asyncio.sleep(0.05)

    async def end(self, world: World) -> None:
        if self._killing is not None:
            await end([self._killing])  # of redis-py, which loses a cancellation now and then
            if not self._killing.cancelled():
                self._killing.result()

    async def verify(self, world: World, window: Window) -> str:
        return f"{self.killed} killed; {await super().verify(world, window)}"


class RedisCut(_Redis):
    target = "line to Redis"
    number = 14
    name = "One node is cut off from Redis"
    done = "the proxy between the node and Redis passes nothing on, in silence"
    expected = "messages cross between the nodes within 3 s"
    lasts_s = (4.0, 20.0)

    async def begin(self, world: World) -> None:
        world.redis_lines[0].freeze()

    async def end(self, world: World) -> None:
        world.redis_lines[0].thaw()
