"""What slash commands take and give."""

from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from folkmoot.actions import PRINTABLE, Id, Input, Output
from folkmoot.events.event import Event


class TypedCommand(Input):
    """A command as it was typed: `/roll 6`. The client makes `client_id`; a repeat of it runs nothing again."""

    room_id: Id
    text: Annotated[str, StringConstraints(min_length=2), PRINTABLE]
    client_id: UUID


class Ran(Output, frozen=True):
    """What came of it: an event of the room, or an answer for the caller alone."""

    event: Event | None = None
    answer: str | None = None


class Offered(Output, frozen=True):
    """A command that the caller may type."""

    name: str
    usage: str
    about: str


class Available(Output, frozen=True):
    commands: list[Offered]


class About(Input):
    """Which command is meant; nothing: all of them."""

    command: Annotated[str, StringConstraints(max_length=40)] = ""


class Deed(Input):
    what: Annotated[str, StringConstraints(min_length=1), PRINTABLE]


class Invitation(Input):
    room_id: Id
    person: Annotated[str, StringConstraints(min_length=1, max_length=80), PRINTABLE]
