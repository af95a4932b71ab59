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
    """A room, as one of its members sees it. `head_seq - read_seq` events are unread."""

    id: int
    name: str
    topic: str
    visibility: Visibility
    epoch: str
    head_seq: int
    read_seq: int
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
