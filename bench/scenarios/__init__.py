"""The rows of the benchmark, a module for each group: `run(stack)` measures and returns them."""

from collections.abc import Awaitable, Callable, Mapping

from bench.results import Row
from bench.scenarios import durable, fanout, idle, memory, peers, signing_in, size, storm
from bench.stack import Stack

SCENARIOS: Mapping[str, Callable[[Stack], Awaitable[list[Row]]]] = {
    "fanout": fanout.run,
    "peers": peers.run,
    "durable": durable.run,
    "memory": memory.run,
    "storm": storm.run,
    "signing_in": signing_in.run,
    "size": size.run,
    "idle": idle.run,
}
