"""What incoming hooks take and give."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from folkmoot.actions import ONE_LINE, Id, Input, Output
from folkmoot.events.event import Person


class NewHook(Input):
    """A hook into a room of the caller. Its name stands above what it posts."""

    room_id: Id
    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), ONE_LINE]


class HookId(Input):
    hook_id: Id


class Hook(Output, frozen=True):
    """A hook. Its address is known to those alone who were told it."""

    id: int
    room_id: int
    room: str
    bot: Person
    made_by: Person
    made_at: datetime
    used_at: datetime | None


class Hooks(Output, frozen=True):
    hooks: list[Hook]


class MadeHook(Output, frozen=True):
    """A new hook, and its address, which is shown this once."""

    hook: Hook
    address: str


class Posted(Input):
    """What a program posts: `{"body": Markdown}`, or the shape that Slack takes."""

    model_config = ConfigDict(hide_input_in_errors=True)

    token: str = Field(repr=False)
    payload: dict[str, Any]
    key: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
