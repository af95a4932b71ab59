"""Runs of commands, which go on when whoever asked has gone: their retry finds the run, or what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from folkmoot.errors import Busy, Unavailable
from folkmoot.tasks import end

T = TypeVar("T")


class Runner(Generic[T]):
    """Owns the runs of one server. Bounded: past `at_once` it refuses."""

    def __init__(self, *, at_once: int) -> None:
        self._at_once = at_once
        self._runs: dict[Hashable, asyncio.Task[T]] = {}
        self._closing = False

    async def close(self) -> None:
        """Ends the runs. Each leaves its mark in the database, by which a retry knows that it was begun."""
        self._closing = True
        await end(self._runs.values())

    async def join(self, key: Hashable, run: Callable[[], Awaitable[T]]) -> T:
        """The result of the run under this key, which is begun unless it is under way. Raises Busy."""
        task = self._runs.get(key)
        if task is None:
            task = self._begin(key, run)
        return await asyncio.shield(task)

    def _begin(self, key: Hashable, run: Callable[[], Awaitable[T]]) -> "asyncio.Task[T]":
        if self._closing:
            raise Unavailable("The server is stopping. Try again in a moment.")
        if len(self._runs) >= self._at_once:
            raise Busy("Too many commands are running. Nothing was done: try again in a moment.")

        async def go() -> T:
            return await run()

        task = asyncio.create_task(go(), name=f"command-{key}")
        self._runs[key] = task
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: Hashable, task: "asyncio.Task[T]") -> None:
        del self._runs[key]
        if not task.cancelled():
            task.exception()  # it has been told to whoever waited; nobody may be waiting any more
