"""The server under test, in a process of its own on one core: `python -m bench.serve` with the settings of Folkmoot.

It says its port in one line of JSON, and then answers words on its standard input, one a line, until that ends:

    lag      how long the event loop was blocked at most since the last time it was asked, in milliseconds
    stats    what is open and queued
    collect  collects garbage, so that memory is compared at rest
"""

import asyncio
import gc
import json
import os
import sys
import time

import uvloop

from folkmoot.app import Node, running
from folkmoot.listening import listen
from folkmoot.settings import load_settings
from folkmoot.telemetry.logs import configure_logs

LOOK_S = 0.002

# What the server logs goes to standard error; standard output is for our answers alone.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


class Lag:
    """Notes by how much the loop was late to wake a sleeper, which is how long something blocked it.

    On a machine that does other things too, some of that is waiting for the core; `own` leaves it out, as it counts no
    more than what this thread computed in the meantime.
    """

    def __init__(self) -> None:
        self._worst_s = self._own_s = 0.0

    async def watch(self) -> None:
        while True:
            before, computed = time.perf_counter(), time.thread_time()
            await asyncio.sleep(LOOK_S)
            late_s = time.perf_counter() - before - LOOK_S
            self._worst_s = max(self._worst_s, late_s)
            self._own_s = max(self._own_s, min(late_s, time.thread_time() - computed))

    def take(self) -> dict[str, object]:
        taken: dict[str, object] = {"lag_ms": self._worst_s * 1000, "own_ms": self._own_s * 1000}
        self._worst_s = self._own_s = 0.0
        return taken


async def main() -> None:
    settings = load_settings()
    configure_logs(settings, settings.log_level)
    async with running(settings, listen(settings)) as node:
        say({"port": node.port})
        lag = Lag()
        watching = asyncio.create_task(lag.watch()) if "--lag" in sys.argv else None
        await answer(node, lag)
        if watching is not None:
            watching.cancel()


async def answer(node: Node, lag: Lag) -> None:
    words = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    while word := (await words.readline()).decode().strip():
        if word == "lag":
            say(lag.take())
        elif word == "collect":
            say({"collected": gc.collect()})
        else:
            say({"open": len(node.connections), "queued_bytes": node.connections.queued_bytes})


def say(fact: dict[str, object]) -> None:
    print(json.dumps(fact), file=answers)


if __name__ == "__main__":
    uvloop.run(main())
