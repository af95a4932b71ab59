"""A listener without a socket, and a log without a database, for tests of the parts between."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from folkmoot.actions import Caller
from folkmoot.errors import Unavailable
from folkmoot.realtime.channels import Position, Publication
from folkmoot.realtime.codes import Close


class Listener:
    """Remembers the lines of the frames it is sent."""

    def __init__(self, user_id: int = 1, session_id: int = 1) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.address = "192.0.2.1"
        self.answered = True
        self.frames: list[bytes] = []
        self.closes: list[int] = []
        self.rooms: list[str] = []
        self.left_rooms: list[str] = []

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for frame in self.frames for line in payload(frame).split(b"\n")]

    @property
    def offsets(self) -> list[int]:
        return [line["push"]["pub"]["offset"] for line in self.lines]

    def close(self, close: Close) -> None:
        self.closes.append(close.code)

    def joined(self, channel: str) -> None:
        self.rooms.append(channel)

    def left(self, channel: str) -> None:
        self.left_rooms.append(channel)

    fd = -1
    is_clear = False  # it has no descriptor, so that whoever has something for it calls a method
    is_used = False

    @property
    def outlet(self) -> "Listener":
        return self

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)

    send_frame = send

    def send_ephemeral(self, frame: bytes) -> bool:
        self.frames.append(frame)
        return True

    def keep(self, rest: memoryview) -> None:
        raise NotImplementedError  # only who writes to a descriptor has a rest

    def abort(self) -> None:
        raise NotImplementedError  # likewise: nothing fails here


def payload(frame: bytes) -> bytes:
    """What is in one text frame of a server; several merged into one write are taken apart first."""
    texts = []
    while frame:
        assert frame[0] == 0x81
        size, head = frame[1], 2
        if size == 126:
            size, head = int.from_bytes(frame[2:4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(frame[2:10], "big"), 10
        texts.append(frame[head : head + size])
        frame = frame[head + size :]
    return b"\n".join(texts)


def entry(offset: int) -> bytes:
    return b'{"offset":%d,"data":%d}' % (offset, offset)


class Log:
    """Channels `log:<anything>` that all have this log."""

    name = "log"

    def __init__(self) -> None:
        self.head = 0
        self.epoch = "e"
        self.reads = 0
        self.is_away = False

    async def admit(self, caller: Caller, channel: str) -> None: ...

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None: ...

    async def still_admitted(self, listeners: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        return set(listeners)

    async def positions(self, channels: Collection[str]) -> Mapping[str, Position]:
        self._look()
        return {channel: Position(self.epoch, self.head) for channel in channels}

    async def after(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        self._look()
        return [Publication(seq, entry(seq)) for seq in range(offset + 1, min(self.head, offset + limit) + 1)]

    async def before(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        raise NotImplementedError  # the parts under test read forward

    def _look(self) -> None:
        self.reads += 1
        if self.is_away:
            raise Unavailable
