"""Rooms: messages that are acknowledged after their commit, beside what the database itself can do."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg

from bench.results import Row, at_least, at_most, middle
from bench.scenarios.fanout import per_delivery_us
from bench.stack import Stack

SENDERS, SUBSCRIBERS, ROWS = 64, 1000, 128
COMMIT_TRIES = 500

INSERT = """
    INSERT INTO bench_numbered (room_id, seq, kind, author_id, client_id, body, created_at)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::uuid[], $6::text[],
                         $7::timestamptz[])
"""


async def run(stack: Stack) -> list[Row]:
    rows = [await _cost_of_a_delivery(stack)]
    many = await _members(stack, SENDERS)
    hot = await _members(stack, 1)
    inserted, in_rooms, in_one = [], [], []
    for _ in range(stack.runs):
        inserted.append(await _insert_numbered(stack))
        async with stack.folkmoot() as server:
            in_rooms.append(await stack.fan_out(server, conns=SENDERS, senders=SENDERS, who=many))
            in_one.append(await stack.fan_out(server, conns=SENDERS, senders=SENDERS, who=hot))
        rooms, hottest = _rate(in_rooms[-1]), _rate(in_one[-1])
        stack.note(f"unnest {inserted[-1]:,.0f} rows/s; {SENDERS} rooms {rooms:,.0f}/s; one room {hottest:,.0f}/s")
    rate = middle(map(_rate, in_rooms))
    what = f"durable messages/s, {SENDERS} senders in {SENDERS} rooms"
    rows.append(at_least(what, rate, "messages/s", middle(inserted), f"unnest of {ROWS}", 0.3))
    hottest = middle(map(_rate, in_one))
    rows.append(at_least("the same in one hot room", hottest, "messages/s", rate, f"in {SENDERS} rooms", 0.9))
    return rows + await _acknowledgements(stack, many, rate / 2)


def _rate(result: dict[str, float]) -> float:
    return result["messages"] / result["seconds"]


async def _members(stack: Stack, rooms: int) -> Path:
    """Senders, spread over so many rooms; each is a member of one, and hears it."""
    people, ids = await stack.people(SENDERS), await stack.rooms(rooms)
    await stack.admit([(ids[index % rooms], user) for index, user in enumerate(people.ids)])
    return stack.who([(token, f"room:{ids[index % rooms]}") for index, token in enumerate(people.tokens)])


async def _cost_of_a_delivery(stack: Stack) -> Row:
    """What a delivery to a full room costs the server, beside one of the ephemeral channel."""
    people, (room,) = await stack.people(SUBSCRIBERS), await stack.rooms(1)
    await stack.admit([(room, user) for user in people.ids])
    durable = stack.who([(token, f"room:{room}") for token in people.tokens])
    ephemeral = stack.who([((await stack.people(1)).tokens[0], "echo")])
    costs: dict[str, list[float]] = {"durable": [], "ephemeral": []}
    for _ in range(stack.runs):
        async with stack.folkmoot() as server:
            crowd = {"conns": SUBSCRIBERS, "senders": SENDERS}
            costs["durable"].append(per_delivery_us(await stack.fan_out(server, who=durable, **crowd)))
            result = await stack.fan_out(server, who=ephemeral, subscribe=True, **crowd)
            costs["ephemeral"].append(per_delivery_us(result))
        stack.note(f"durable {costs['durable'][-1]:.2f} us a delivery, ephemeral {costs['ephemeral'][-1]:.2f} us")
    ours, theirs = middle(costs["durable"]), middle(costs["ephemeral"])
    what = f"durable room, {SUBSCRIBERS:,} subscribers, {SENDERS} senders"
    ratio = ours / theirs
    return Row(what, ours, "us CPU a delivery", theirs, "ephemeral", ratio, "at most 1.50", ratio <= 1.5)


async def _insert_numbered(stack: Stack) -> float:
    """Rows a second that one connection inserts, already numbered, into a table such as the log's."""
    async with stack.database() as connection:
        await connection.execute("DROP TABLE IF EXISTS bench_numbered")
        await connection.execute(
            """
            CREATE TABLE bench_numbered (
                room_id bigint, seq bigint, kind text, author_id bigint, client_id uuid, body text,
                created_at timestamptz, PRIMARY KEY (room_id, seq)
            )
            """
        )
        written, started = 0, time.perf_counter()
        while (taken := time.perf_counter() - started) < stack.seconds:
            await connection.execute(INSERT, *_columns(written))
            written += ROWS
        await connection.execute("DROP TABLE bench_numbered")
    return written / taken


def _columns(after: int) -> Sequence[Sequence[object]]:
    numbers, same = range(after + 1, after + ROWS + 1), [1] * ROWS
    client_ids = [uuid4() for _ in numbers]
    return same, numbers, ["message"] * ROWS, same, client_ids, ["x" * 128] * ROWS, [datetime.now(UTC)] * ROWS


async def _acknowledgements(stack: Stack, who: Path, rate: float) -> list[Row]:
    async with stack.folkmoot() as server:
        runs = [
            await stack.fan_out(server, conns=SENDERS, senders=SENDERS, inflight=64, who=who, rate=round(rate))
            for _ in range(stack.runs)
        ]
    async with stack.database() as connection:
        commits = sorted([await _commit_ms(connection) for _ in range(COMMIT_TRIES)])
    commit_p50, commit_p99 = commits[len(commits) // 2], commits[int(len(commits) * 0.99)]
    p50, p99 = (middle(result[f"ack_{name}_ms"] for result in runs) for name in ("p50", "p99"))
    what = f"acknowledgement at {rate:,.0f} messages/s"
    beside = f"a commit: p50 {commit_p50:.2f} ms, p99 {commit_p99:.2f} ms"
    return [
        at_most(f"{what}, p50", p50, "ms", 5.0, beside=beside),
        at_most(f"{what}, p99 above the database's commit", max(0.0, p99 - commit_p99), "ms", 25.0, beside=beside),
    ]


async def _commit_ms(connection: "asyncpg.Connection[asyncpg.Record]") -> float:
    started = time.perf_counter()
    await connection.execute("UPDATE rooms SET topic = topic WHERE id = (SELECT min(id) FROM rooms)")
    return (time.perf_counter() - started) * 1000
