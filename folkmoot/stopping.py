"""Being asked to stop: by a signal, and with a bound on how long it may take."""

import asyncio
import faulthandler
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TypeVar

from folkmoot.settings import Settings

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE_S = 13.0  # beyond `drain_s`: what was begun is answered, the last sockets hang up, pools close


class Stopped(Exception):
    """We were asked to stop before we had started."""


def longest_stop_s(settings: Settings) -> float:
    """How long a server may take to stop, whatever hangs: 23 seconds, unless the settings say otherwise."""
    return settings.drain_s + GRACE_S


@asynccontextmanager
async def stopping(within_s: float) -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set. The block must end `within_s` after that.

    If it does not, the process says where it hangs, and exits with 1: a thread that needs neither the loop nor the
    interpreter sees to it. Nothing that was acknowledged is lost by that.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def asked() -> None:
        if not stop.is_set():
            stop.set()
            faulthandler.dump_traceback_later(within_s, exit=True)

    for number in SIGNALS:
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        faulthandler.cancel_dump_traceback_later()


async def unless(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T:
    """What the work gives. Raises Stopped, and gives the work up, when we are asked to stop before."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Stopped
        return working.result()
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.wait((working, waiting))
