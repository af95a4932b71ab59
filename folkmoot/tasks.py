"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.5


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels the tasks and waits until they have ended.

    They are told more than once: until Python 3.12 `asyncio.wait_for`, which redis-py uses, loses a cancellation that
    comes in the same moment as its answer. Our own code uses `asyncio.timeout` for that reason.
    """
    going = set(tasks)
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=AGAIN_S)
