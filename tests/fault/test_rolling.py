"""A rolling restart of two nodes under load: nothing is lost or repeated, and nobody sees more than a short gap."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fault.load import Size
from tests.fault.requester import Requester
from tests.fault.world import World, a_world

SIZE = Size(rooms=1, writers=10, readers=10, rate_per_s=8.0)
GAP_S = 5.0
EXIT_S = 25.0


async def roll(world: World) -> None:
    """Each node in turn is asked to stop, and started again."""
    for node in world.nodes:
        began = time.monotonic()
        assert await node.terminate(EXIT_S) == 0
        assert time.monotonic() - began < EXIT_S
        await node.start()
        await asyncio.sleep(1.0)


async def test_a_rolling_restart_loses_and_repeats_nothing_and_refuses_only_for_now() -> None:
    with TemporaryDirectory(prefix="fmr") as folder:
        async with a_world(Path(folder)) as world, await world.load(SIZE, seed=20_261_121) as load:
            person, room = load.readers[0].person, load.rooms[0]
            requesters = [
                Requester(person, room, ports) for ports in (world.node_ports, world.node_ports[::-1]) for _ in range(2)
            ]
            enough = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for requester in requesters:
                    group.create_task(requester.write(enough))
                await asyncio.sleep(1.0)
                await roll(world)
                enough.set()
            await load.settle()
            report = await load.report()
            log = dict(await load._whole_log(room))
            complaints = world.complaints()
    assert report.anomalies == [], str(report)
    assert report.acknowledged > 300, "for this test to mean anything, something must have been said"
    assert load.notes.reloads == 0
    assert load.notes.signed_out == []

    by_rest = Counter(key.partition(" ")[0] for key in log.values())
    for requester in requesters:
        assert set(requester.outcomes) <= {"201", "503", "refused"}, requester.outcomes
        assert requester.outcomes["refused"] + requester.outcomes["503"], "it has met a node that stopped"
        assert all(by_rest[client_id] == 1 for client_id in requester.acknowledged)
        assert requester.longest_s < GAP_S

    sends = Counter(attempt.outcome for attempt in load.notes.attempts if not attempt.outcome.endswith("404"))
    assert set(sends) <= {"ok", "closed 3001", "refused 503"}, sends
    endings = Counter(ending.code for ending in load.notes.endings)
    assert set(endings) <= {0, 3001}, endings
    assert endings[3001] >= len(load.clients), "everybody was sent away at least once"
    gaps_s = sorted(each.took_s for each in load.notes.comebacks if not each.stays)
    assert gaps_s[-1] < GAP_S, gaps_s[-5:]
    print(f"{report}\n{sends} {endings} longest gap {gaps_s[-1]:.2f} s; REST {[r.outcomes for r in requesters]}")
    assert complaints == []
