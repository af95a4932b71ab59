"""What rooms take and give."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from folkmoot.actions import ONE_LINE, Id, Input, Output
from folkmoot.events.event import Person

Visibility = Literal["open", "private"]


class NewRoom(Input):
    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), ONE_LINE]
    topic: Annotated[str, StringConstraints(max_length=250, strip_whitespace=True), ONE_LINE] = ""
    visibility: Visibility = "open"


class RoomId(Input):
    room_id: Id


class NewMember(Input):
    room_id: Id
    user_id: Id


class Room(Output, frozen=True):
    """A room, as one of its members sees it.

    `unread` is how many messages of others came after `read_seq`, 100 at most; only the last 1,000 events are counted.
    Who came and went is no news, and neither is what the member said, from wherever and with whichever token.
    """

    id: int
    name: str
    topic: str
    visibility: Visibility
    epoch: str
    head_seq: int
    read_seq: int
    unread: int
    members: int


class Rooms(Output, frozen=True):
    rooms: list[Room]


class OpenRoom(Output, frozen=True):
    """A room that anybody may join, as somebody who is not in it sees it."""

    id: int
    name: str
    topic: str
    members: int


class OpenRooms(Output, frozen=True):
    rooms: list[OpenRoom]


class Member(Output, frozen=True):
    person: Person
    joined_at: datetime


class Members(Output, frozen=True):
    members: list[Member]
