"""Everybody loses their connection and comes back at once, and each gets exactly what they missed."""

import asyncio
from uuid import uuid4

import httpx

from bench.results import Row, at_most
from bench.stack import Server, Stack

CLIENTS, ROOMS, MISSED = 5000, 3, 20
BLOCKED_MS = 50.0


async def run(stack: Stack) -> list[Row]:
    count = CLIENTS // 5 if stack.quick else CLIENTS
    people, rooms = await stack.people(count), await stack.rooms(ROOMS)
    await stack.admit([(room, user) for user in people.ids for room in rooms])
    who = stack.who([(token, "none") for token in people.tokens])
    async with stack.folkmoot("--lag") as server:
        listed = ",".join(map(str, rooms))
        async with stack.load(server, mode="storm", conns=count, who=who, rooms=listed) as load:
            await load.hear()
            await asyncio.sleep(1)
            await load.ask("drop")
            await asyncio.sleep(1)
            await _say(server, people.tokens[0], rooms, MISSED)
            await server.program.ask("lag")
            back = await load.ask("return")
            lag = await server.program.ask("lag")
            await _say(server, people.tokens[0], rooms, 1)
            await asyncio.sleep(2)
            after = await load.ask("look")
    stack.note(f"back {back}; then {after}; {lag}")
    whole = back["ready"] == count and back["fewest"] == back["most"] == MISSED
    exact = not (after["lost"] or after["twice"] or after["errors"]) and after["pushed"] == count * ROOMS
    what = f"{count:,} clients come back at once, each recovers {MISSED} messages in {ROOMS} rooms"
    details: dict[str, object] = {"back": back, "after": after}
    return [
        Row(f"{what}: all complete", back["seconds"], "s", must="exactly once", ok=whole and exact, details=details),
        at_most("the longest block of the loop meanwhile", lag["lag_ms"], "ms", BLOCKED_MS, own_ms=lag["own_ms"]),
    ]


async def _say(server: Server, token: str, rooms: list[int], count: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    address = f"http://127.0.0.1:{server.port}/api/v1.0/rooms"
    async with httpx.AsyncClient(headers=headers, trust_env=False) as http:
        for _ in range(count):
            for room in rooms:
                said = {"body": f"missed {'x' * 120}", "client_id": str(uuid4())}
                (await http.post(f"{address}/{room}/messages", json=said)).raise_for_status()
