"""What messages take and give."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from folkmoot.actions import DIGITS, PRINTABLE, Id, Input, Output, Seq
from folkmoot.events.event import Event


class NewMessage(Input):
    """A message. The client makes `client_id`; repeating it is harmless and answers the first event."""

    room_id: Id
    body: Annotated[str, StringConstraints(min_length=1), PRINTABLE]
    client_id: UUID


class PageOf(Input):
    """A page of a room's log: before an event, after one, or the newest."""

    room_id: Id
    before: Seq | None = None
    after: Seq | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1000), DIGITS] = 50


class Page(Output, frozen=True):
    """Events in the order of the log. `more`: there are others beyond, in the direction that was asked for."""

    events: list[Event]
    epoch: str
    head_seq: int
    more: bool


class ReadUpTo(Input):
    room_id: Id
    seq: Seq


class ReadPosition(Output, frozen=True):
    read_seq: int
