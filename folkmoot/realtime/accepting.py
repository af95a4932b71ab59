"""Taking connections from the kernel, a few in each turn of the loop.

The loop's own server takes as many as there are at once. After a restart of a proxy that is thousands, and everybody
who is connected already would hear nothing until the last of them has come in.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

log = logging.getLogger(__name__)

A_TURN = 8
PAUSE_S = 0.5  # when there is no descriptor left for another one
BREATH_S = 0.01  # between turns, while many whom we have taken say nothing yet


class Acceptor:
    """Gives each connection of a listening socket a protocol for its address. The socket is ours from now on."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[str], asyncio.BaseProtocol],
        is_crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._listening = listening
        self._protocol = protocol
        self._is_crowded = is_crowded
        self._opening: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        listening.setblocking(False)
        self._loop.add_reader(listening, self._accept)

    def close(self) -> None:
        """Takes those who have knocked already, whom the kernel would hang up on, and then nobody any more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listening)
        with suppress(OSError):  # nobody is left, or there is no descriptor for another one
            while True:
                self._take()
        self._listening.close()

    async def wait_closed(self) -> None:
        """Returns when what was taken before `close` has its protocol."""
        if self._opening:
            await asyncio.wait(set(self._opening))

    def _accept(self) -> None:
        for _ in range(A_TURN):
            try:
                self._take()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error("No more connections can be taken for now: %s", error.strerror)
                self._wait(PAUSE_S)
                return
        if self._is_crowded():
            self._wait(BREATH_S)

    def _take(self) -> None:
        taken, peer = self._listening.accept()
        opening = self._loop.create_task(self._open(taken, peer[0]))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, taken: socket.socket, address: str) -> None:
        try:
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(partial(self._protocol, address), taken)
        except OSError:  # it hung up already
            taken.close()
        except Exception:  # a fault of ours costs one caller, and not the door
            log.exception("A connection could not be opened")
            taken.close()

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._pause = self._loop.call_later(seconds, self._loop.add_reader, self._listening, self._accept)
