"""What clients did and what they were shown, in the order of one clock: the evidence that `checker.py` judges."""

import time
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["invoke", "ok", "fail", "info"]
Act = Literal["send", "poll", "seek", "drain"]


class Entry(NamedTuple):
    """One line of a history.

    A send is invoked, and then `ok` (acknowledged), `fail` (refused for good: it must never be seen) or `info` (nobody
    knows); after `info` the same key may be invoked again. A poll is an event that a reader was shown, a seek the
    position from which a reader goes on without having seen what came before, and a drain what a fresh reader found in
    the log when all was over.
    """

    at: float  # seconds of the monotonic clock
    process: str  # who
    kind: Kind
    act: Act
    room: int
    key: str = ""  # which message: see `key_of`
    offset: int | None = None
    line: str = ""  # of a send: the connection that it was sent on


class History:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def send(self, kind: Kind, process: str, room: int, key: str, *, offset: int | None = None, line: str = "") -> None:
        self.entries.append(Entry(time.monotonic(), process, kind, "send", room, key, offset, line))

    def poll(self, process: str, room: int, offset: int, key: str) -> None:
        self.entries.append(Entry(time.monotonic(), process, "ok", "poll", room, key, offset))

    def seek(self, process: str, room: int, offset: int) -> None:
        self.entries.append(Entry(time.monotonic(), process, "ok", "seek", room, offset=offset))

    def drain(self, process: str, room: int, offset: int, key: str) -> None:
        self.entries.append(Entry(time.monotonic(), process, "ok", "drain", room, key, offset))


def key_of(event: Mapping[str, Any]) -> str:
    """What tells one event from another. The text is part of it, so that a message that was altered is another one."""
    return f"{event['client_id']} {event['body']}"
