"""What the log holds: events in, numbered events out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import msgspec

# A `command` says in its first line what the author typed, and below it what came of it.
Kind = Literal["message", "command", "created", "joined", "left"]


class Person(msgspec.Struct, frozen=True):
    """Somebody, as everybody may see them."""

    id: int
    name: str


class Event(msgspec.Struct, frozen=True):
    """One entry of a room's log. `seq` counts from 1 without a gap, in the order of commits."""

    room_id: int
    seq: int
    kind: Kind
    author: Person
    client_id: UUID
    body: str | None
    created_at: datetime


Identity = tuple[int, int, int]  # room, author, client id (as a number, which is found faster than a UUID)


class Draft(msgspec.Struct, frozen=True):
    """An event that has no number yet. A repeat of `client_id` by the same author is the same event."""

    room_id: int
    kind: Kind
    author: Person
    body: str | None = None
    client_id: UUID = msgspec.field(default_factory=uuid4)

    @property
    def identity(self) -> Identity:
        return self.room_id, self.author.id, self.client_id.int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a log ends. Another epoch means another log: offsets of the old one say nothing about it."""

    epoch: str
    head: int
