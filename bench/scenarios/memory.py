"""What an idle connection costs: a signed-in member of ten rooms, subscribed to all of them."""

import asyncio
from random import Random

from bench.processes import pss_bytes
from bench.results import Row, at_most
from bench.stack import Server, Stack

PEOPLE, ROOMS_EACH, ROOM_SIZE = 2000, 10, 100
WARM = 20
MOST_KB = 16.0


async def run(stack: Stack) -> list[Row]:
    count = PEOPLE // 4 if stack.quick else PEOPLE
    people, rooms = await stack.people(count), await stack.rooms(count * ROOMS_EACH // ROOM_SIZE)
    pick = Random(1)  # noqa: S311 - which rooms somebody is in needs no secret
    pairs = [(room, user) for user in people.ids for room in pick.sample(rooms, min(ROOMS_EACH, len(rooms)))]
    await stack.admit(pairs)
    who = stack.who([(token, "none") for token in people.tokens])
    async with stack.folkmoot() as server:
        before = await _at_rest(stack, server, WARM, str(who))
        resting = pss_bytes(server.program.pid)
        async with stack.load(server, mode="idle", conns=count, who=who) as load:
            await load.hear()
            await asyncio.sleep(2)
            await server.program.ask("collect")
            held = pss_bytes(server.program.pid)
    kilobytes = (held - resting) / count / 1000
    what = f"memory of an idle connection, member of {ROOMS_EACH} rooms ({count:,} connections)"
    return [at_most(what, kilobytes, "kB", MOST_KB, resting_before_the_first=before)]


async def _at_rest(stack: Stack, server: Server, count: int, who: str) -> int:
    """Lets a few in and out again first: code that runs for the first time takes memory too."""
    before = pss_bytes(server.program.pid)
    async with stack.load(server, mode="idle", conns=count, who=who) as load:
        await load.hear()
    await asyncio.sleep(1)
    await server.program.ask("collect")
    return before
