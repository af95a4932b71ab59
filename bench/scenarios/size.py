"""Cost against size: a delivery and a connection must cost the same among ten and among fifteen thousand.

The kernel's own cost of a write grows with the number of sockets, for a C program as well. So what a delivery costs
us is judged beside what it costs the C limit among as many.
"""

import asyncio

from bench.plot import plot
from bench.processes import pss_bytes
from bench.results import Row
from bench.scenarios.fanout import per_delivery_us
from bench.stack import Stack

SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 15_000)
QUICK_SIZES = (10, 100, 1000, 3000)
STEADY_FROM = 100  # fewer deliveries than that hide behind the cost of the message itself
WEIGHED_FROM = 1000  # fewer connections than that hide behind what the allocator happens to hold
SPREAD = 0.20


async def run(stack: Stack) -> list[Row]:
    token = (await stack.people(1)).tokens[0]
    who = stack.who([(token, "echo")])
    cpu_us: dict[int, float] = {}
    limit_us: dict[int, float] = {}
    memory_kb: dict[int, float] = {}
    for size in QUICK_SIZES if stack.quick else SIZES:
        async with stack.folkmoot() as server:
            await stack.fan_out(server, conns=min(size, 100), senders=1, who=who, subscribe=True, seconds=0.3, warm=0.1)
            await asyncio.sleep(0.5)
            await server.program.ask("collect")
            before = pss_bytes(server.program.pid)
            result = await stack.fan_out(server, conns=size, senders=1, inflight=16, who=who, subscribe=True)
            cpu_us[size] = per_delivery_us(result)
            async with stack.load(server, mode="idle", conns=size, who=who, subscribe=True) as load:
                await load.hear()
                await asyncio.sleep(1)
                await server.program.ask("collect")
                memory_kb[size] = (pss_bytes(server.program.pid) - before) / size / 1000
        async with stack.limit("merged") as server:
            result = await stack.fan_out(server, conns=size, senders=1, inflight=16, who=who, subscribe=True)
            limit_us[size] = per_delivery_us(result)
        stack.note(
            f"{size:,} connections: {cpu_us[size]:.2f} us a delivery (C limit {limit_us[size]:.2f}),"
            f" {memory_kb[size]:.1f} kB a connection"
        )
    beside = {size: cpu_us[size] / limit_us[size] for size in cpu_us}
    panels = {
        "CPU per delivery, us": cpu_us,
        "the same of the C limit, us": limit_us,
        "memory per connection, kB": memory_kb,
    }
    plot(stack.results / f"{stack.name}-size.svg", panels)
    return [
        _flat("CPU per delivery beside the C limit's, against size", beside, "times", STEADY_FROM),
        _flat("memory per connection against size", memory_kb, "kB", WEIGHED_FROM),
    ]


def _flat(what: str, by_size: dict[int, float], unit: str, from_size: int) -> Row:
    """How far the cost of the largest sizes is above the cheapest: falling with size is no fault."""
    steady = {size: value for size, value in by_size.items() if size >= from_size}
    least, last = min(steady.values()), steady[max(steady)]
    details: dict[str, object] = {str(size): value for size, value in by_size.items()}
    what = f"{what} ({min(steady):,} to {max(steady):,})"
    ratio = last / least if least > 0 else 0.0
    must, ok = f"at most {1 + SPREAD:.2f}", 0 < ratio <= 1 + SPREAD
    return Row(what, last, unit, least, "at the cheapest size", ratio, must, ok, details)
