"""What happens to PostgreSQL, or to the line to it."""

import asyncio
from contextlib import suppress

import asyncpg

from tests.fault.checker import quantile
from tests.fault.fault import Fault, Window, assert_refused_in_time
from tests.fault.toxics import Latency
from tests.fault.world import World

GROWTH_BYTES = 20 << 20


class _Away(Fault):
    """PostgreSQL does not answer: a node lives, says that it is not ready, and refuses soon."""

    def __init__(self) -> None:
        self.health: list[tuple[int, int]] = []
        self.grown_bytes = 0

    async def meanwhile(self, world: World) -> None:
        before = [node.resident_bytes() for node in world.nodes]
        await asyncio.sleep(0.3)
        for node in world.nodes:
            live, ready = await asyncio.gather(node.get("/healthz", 1.0), node.get("/readyz", 5.0))
            self.health.append((live, ready))
        after = [node.resident_bytes() for node in world.nodes]
        self.grown_bytes = max(late - early for early, late in zip(before, after, strict=True))

    async def verify(self, world: World, window: Window) -> str:
        assert self.health == [(200, 503)] * len(world.nodes), self.health
        assert self.grown_bytes < GROWTH_BYTES, "what cannot be done does not pile up"
        assert_refused_in_time(window)
        assert not window.endings, "sockets stay up"
        refused = window.took_s("refused 503")
        assert refused, "for this to mean anything, somebody must have been refused"
        return (
            f"sends: {dict(window.outcomes())}, refused after {quantile(refused, 0.5):.2f} s, "
            f"{max(refused):.2f} s at most; live 200, ready 503; sockets stayed up"
        )


class DatabaseKilled(_Away):
    target = "PostgreSQL"
    number = 4
    name = "PostgreSQL is killed"
    done = "SIGKILL of the postmaster and all its children, started again at the end"
    expected = "sends are refused for now within 3 s; live and not ready; back within 10 s"

    async def begin(self, world: World) -> None:
        world.postgres.kill()

    async def end(self, world: World) -> None:
        await world.postgres.start()


class DatabaseStopped(_Away):
    target = "PostgreSQL"
    number = 6
    name = "PostgreSQL hangs"
    done = "SIGSTOP of all its processes, SIGCONT at the end"
    expected = "sends are refused for now within 3 s, nothing piles up, sockets stay up; back within 10 s"
    lasts_s = (3.0, 20.0)  # longer than a node waits for an answer

    async def begin(self, world: World) -> None:
        world.postgres.freeze()

    async def end(self, world: World) -> None:
        world.postgres.thaw()


class BackendsKilled(Fault):
    target = "PostgreSQL"
    number = 5
    name = "Backends of PostgreSQL are killed"
    done = "pg_terminate_backend of every connection of the nodes, ten times a second"
    expected = "what is unknown is sent again with its id, and is there once"

    def __init__(self) -> None:
        self.killed = 0
        self._killing: asyncio.Task[None] | None = None

    async def begin(self, world: World) -> None:
        self._killing = asyncio.create_task(self._kill(world), name="kill backends")

    async def _kill(self, world: World) -> None:
        async with world.postgres.connection() as database:
            while True:
                self.killed += await database.fetchval(
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE application_name = 'folkmoot' AND pid <> pg_backend_pid()
                    """
                )
                await asyncio.sleep(0.1)

    async def end(self, world: World) -> None:
        if self._killing is not None:
            self._killing.cancel()
            with suppress(asyncio.CancelledError, asyncpg.PostgresError, OSError):
                await self._killing

    async def verify(self, world: World, window: Window) -> str:
        assert self.killed > 10
        assert_refused_in_time(window)
        assert not window.endings, "sockets stay up"
        return f"{self.killed} backends killed; sends: {dict(window.outcomes())}"


class DatabaseSlow(Fault):
    target = "line to PostgreSQL"
    number = 9
    name = "PostgreSQL is slow"
    done = "each answer of PostgreSQL comes 500 ms later"
    expected = "slower, and in order; no more connections than the pool has"
    lasts_s = (2.0, 15.0)

    def __init__(self) -> None:
        self._latency = Latency(0.5, 0.05, ways=("back",))
        self.connections = 0

    async def begin(self, world: World) -> None:
        for line in world.postgres_lines:
            line.toxics.append(self._latency)

    async def meanwhile(self, world: World) -> None:
        await asyncio.sleep(self.lasts_s[not world.is_quick] - 0.5)
        async with world.postgres.connection() as database:
            self.connections = await database.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'folkmoot'"
            )

    async def end(self, world: World) -> None:
        for line in world.postgres_lines:
            if self._latency in line.toxics:
                line.toxics.remove(self._latency)

    async def verify(self, world: World, window: Window) -> str:
        taken = window.took_s("ok")
        assert taken, "it is slow, not away"
        assert self.connections <= 10 * len(world.nodes)
        outcomes = dict(window.outcomes())
        return f"sends: {outcomes}, p50 {quantile(taken, 0.5):.1f} s; {self.connections} connections"


class DatabaseReset(Fault):
    target = "line to PostgreSQL"
    number = 10
    name = "Connections to PostgreSQL break"
    done = "every connection of both nodes to PostgreSQL is closed without a word, every second"
    expected = "what is unknown is sent again with its id, and is there once"
    lasts_s = (1.5, 20.0)
    every_s = (0.4, 1.0)

    def __init__(self) -> None:
        self._resetting: asyncio.Task[None] | None = None
        self.resets = 0

    async def begin(self, world: World) -> None:
        self._resetting = asyncio.create_task(self._reset(world), name="reset")

    async def _reset(self, world: World) -> None:
        while True:
            await asyncio.sleep(self.every_s[not world.is_quick])
            for line in world.postgres_lines:
                line.reset()
            self.resets += 1

    async def end(self, world: World) -> None:
        if self._resetting is not None:
            self._resetting.cancel()

    async def verify(self, world: World, window: Window) -> str:
        assert self.resets >= 2
        assert_refused_in_time(window)
        assert not window.endings, "sockets stay up"
        return f"broken {self.resets} times; sends: {dict(window.outcomes())}"
