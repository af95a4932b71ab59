"""What rooms take and give."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from folkmoot.actions import Id, Input, Output, Text
from folkmoot.events.event import Person

Visibility = Literal["open", "private"]


class NewRoom(Input):
    name: Annotated[Text, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
    topic: Annotated[Text, StringConstraints(max_length=250, strip_whitespace=True)] = ""
    visibility: Visibility = "open"


class RoomId(Input):
    room_id: Id


class NewMember(Input):
    room_id: Id
    user_id: Id


class Room(Output):
    """A room, as one of its members sees it. `head_seq - read_seq` events are unread."""

    id: int
    name: str
    topic: str
    visibility: Visibility
    epoch: str
    head_seq: int
    read_seq: int
    members: int


class Rooms(Output):
    rooms: list[Room]


class OpenRoom(Output):
    """A room that anybody may join, as somebody who is not in it sees it."""

    id: int
    name: str
    topic: str
    members: int


class OpenRooms(Output):
    rooms: list[OpenRoom]


class Member(Output):
    person: Person
    joined_at: datetime


class Members(Output):
    members: list[Member]
