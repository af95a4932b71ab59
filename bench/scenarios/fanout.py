"""Ephemeral fan-out: one channel without history, beside a C program that writes the same bytes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from bench.results import Row, at_least, middle
from bench.stack import Server, Stack

# (subscribers, messages in flight): the part of the limit that must be reached
MUST = {(100, 1): None, (100, 16): None, (1000, 1): 0.80, (1000, 16): 0.75, (5000, 1): 0.75, (5000, 16): 0.70}

Contenders = dict[str, Callable[[], AbstractAsyncContextManager[Server]]]


async def run(stack: Stack) -> list[Row]:
    rows = []
    for (subscribers, in_flight), must in MUST.items():
        limit = "each" if in_flight == 1 else "merged"
        contenders: Contenders = {"folkmoot": stack.folkmoot, limit: lambda limit=limit: stack.limit(limit)}  # type: ignore[misc]
        measured = await race(stack, contenders, subscribers, in_flight)
        what = f"ephemeral, {subscribers:,} subscribers, {in_flight} in flight"
        ours, theirs = (middle(measured[name]) for name in contenders)
        rows.append(at_least(what, ours, "deliveries/s", theirs, f"C limit, {limit}", must))
    return rows


async def race(stack: Stack, contenders: Contenders, subscribers: int, in_flight: int) -> dict[str, list[float]]:
    """Deliveries a second of each contender, run by run. They take turns, and each run begins with another."""
    token = (await stack.people(1)).tokens[0]
    who = stack.who([(token, "echo")])
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(stack.runs):
        names = list(contenders)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            async with contenders[name]() as server:
                result = await stack.fan_out(
                    server, conns=subscribers, senders=1, inflight=in_flight, who=who, subscribe=True
                )
            measured[name].append(result["deliveries"] / result["seconds"])
            stack.note(f"{name}: {measured[name][-1]:,.0f} deliveries/s, {per_delivery_us(result):.2f} us of CPU each")
    return measured


def per_delivery_us(result: dict[str, float]) -> float:
    return result["server_cpu_s"] / max(1, result["deliveries"]) * 1e6
