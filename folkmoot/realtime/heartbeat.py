"""Pings for all sockets of a node from one task, spread over the interval so that each tick has its share."""

import asyncio
import time
from collections import Counter
from typing import Protocol

import structlog

from folkmoot.addresses import place_of
from folkmoot.realtime import codes
from folkmoot.realtime.codes import Close
from folkmoot.realtime.frames import text_frame
from folkmoot.realtime.protocol import PING
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

SLOTS = 25
PING_FRAME = text_frame(PING)


class Beating(Protocol):
    """A socket that answers pings."""

    answered: bool

    @property
    def address(self) -> str: ...

    def send_frame(self, frame: bytes) -> None: ...

    def close(self, close: Close) -> None: ...


class Heartbeat:
    def __init__(self, *, ping_s: float, pong_s: float, connect_s: float) -> None:
        self._tick_s = ping_s / SLOTS
        self._patience_slots = min(SLOTS - 1, max(1, round(pong_s / self._tick_s)))
        self._connect_s = connect_s
        self._slots: list[dict[Beating, None]] = [{} for _ in range(SLOTS)]
        self._slot_of: dict[Beating, int] = {}
        self._strangers: set[Beating] = set()  # who has not said who they are
        self._deadlines: dict[Beating, float] = {}  # until when they must, the first to go first
        self._strangers_at: Counter[str] = Counter()
        self._now = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._beat_for_ever(), name="heartbeat")

    async def close(self) -> None:
        if self._task is not None:
            await end([self._task])

    def expect_introduction(self, socket: Beating) -> None:
        """The socket has `connect_s` to say who it is."""
        self._strangers.add(socket)
        self._deadlines[socket] = time.monotonic() + self._connect_s
        self._strangers_at[place_of(socket.address)] += 1

    def attend(self, socket: Beating) -> None:
        """The socket is saying who it is: from here on it waits for us. It stays a stranger until `introduce`."""
        self._deadlines.pop(socket, None)

    def expect_again(self, socket: Beating) -> None:
        """The socket could not be heard out: if it is a stranger still, it has as long again."""
        if socket in self._strangers:
            self._deadlines[socket] = time.monotonic() + self._connect_s

    def strangers_at(self, place: str) -> int:
        """How many sockets of a place have not said yet who they are."""
        return self._strangers_at[place]

    def introduce(self, socket: Beating) -> None:
        """The socket said who it is: from now on it is pinged."""
        self._is_no_stranger(socket)
        slot = self._now  # its first ping is a whole interval away
        socket.answered = True
        self._slot_of[socket] = slot
        self._slots[slot][socket] = None

    def forget(self, socket: Beating) -> None:
        self._is_no_stranger(socket)
        slot = self._slot_of.pop(socket, None)
        if slot is not None:
            self._slots[slot].pop(socket, None)

    def _is_no_stranger(self, socket: Beating) -> None:
        if socket not in self._strangers:
            return
        self._strangers.discard(socket)
        self._deadlines.pop(socket, None)
        place = place_of(socket.address)
        self._strangers_at[place] -= 1
        if not self._strangers_at[place]:
            del self._strangers_at[place]

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._tick_s)
            try:
                self._beat()
            except Exception:  # one faulty socket must not stop everybody's heart
                log.exception("heartbeat.failed")

    def _beat(self) -> None:
        self._now = (self._now + 1) % SLOTS
        for socket in list(self._slots[self._now]):
            socket.answered = False
            socket.send_frame(PING_FRAME)
        for socket in list(self._slots[self._now - self._patience_slots]):
            if not socket.answered:
                socket.close(codes.NO_PONG)
        now_s = time.monotonic()
        for socket, deadline_s in list(self._deadlines.items()):
            if deadline_s > now_s:
                break
            socket.close(codes.STALE)
