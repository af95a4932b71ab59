"""What operators do while people talk: nginx is reloaded and killed, a release comes with a migration."""

import asyncio
import time

from folkmoot.migrations import BASE, migrate
from tests.fault.fault import CALM_S, Window, well_again
from tests.fault.faults.bystanders import Bystanders
from tests.fault.faults.nodes import Rolled
from tests.fault.load import SHORT, Size
from tests.fault.world import World
from tests.migrations.coming import NEXT_RELEASE
from tests.nginx.front import Front, front
from tests.ports import free_port
from tests.realtime.wire import until

BACK_S = 5.0
# They all come from one address, which nginx would let in more slowly.
UNLIMITED = {"SOCKET_RATE": "10000", "SOCKET_BURST": "10000", "WORKER_CONNECTIONS": "2048"}


class FrontKilled(Bystanders):
    number = 20
    name = "nginx is reloaded, and killed"
    done = "people come in through nginx: ten reloads, each of which ends its old worker; then SIGKILL of all of it"
    expected = "they are back within 5 s of each; one worker is left; the others notice nothing"

    async def meanwhile(self, world: World) -> None:
        size = SHORT if world.is_quick else Size(rooms=4, writers=5, readers=20, rate_per_s=4.0)
        folder = world.folder / "front"
        folder.mkdir()
        node = f"127.0.0.1:{world.nodes[0].port}"
        given = {"API_UPSTREAM": node, "WS_UPSTREAM": node, "LISTEN": f"127.0.0.1:{free_port()}", **UNLIMITED}
        async with (
            front(folder, **given) as running,
            await world.load(size, seed=self.number, ports=[running.port]) as load,
        ):
            await asyncio.sleep(CALM_S / 3)
            await _reload_again_and_again(running, 3 if world.is_quick else 10)
            await running.kill()
            async with front(folder, **given):
                now = time.monotonic()
                await well_again(Window(load, now, now), BACK_S)
                await load.settle()
                report = await load.report()
        assert not report.anomalies, report
        away_s = max(comeback.took_s for comeback in load.notes.comebacks)
        assert away_s < BACK_S
        self.seen = (
            f"{len(load.clients)} clients came back {len(load.notes.comebacks)} times, after {away_s:.1f} s at most; "
            f"{report.acknowledged} sends, none lost"
        )


async def _reload_again_and_again(running: Front, times: int) -> None:
    for number in range(times):
        await running.reload(RATE=str(1_000 + number))
        await until(lambda: len(running.workers()) == 1)


class Upgraded(Rolled):
    number = 30
    name = "A migration and a rolling restart"
    done = "columns of events and rooms and an index, as of a next release; then each node anew; then all of it back"
    expected = "no send is refused, p99 below 1 s; sockets close with 3001"

    async def begin(self, world: World) -> None:
        await migrate(world.postgres.dsn, of=NEXT_RELEASE)
        await super().begin(world)

    async def end(self, world: World) -> None:
        await migrate(world.postgres.dsn, BASE, of=NEXT_RELEASE)

    async def verify(self, world: World, window: Window) -> str:
        return f"{await super().verify(world, window)}; {window.assert_fast(1.0)}"
