"""Which slash commands there are: actions that say so, and services that the operator has named."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from folkmoot.actions import Access, Action, Call, Caller
from folkmoot.errors import CommandFailed, Invalid
from folkmoot.slash.said import Said
from folkmoot.slash.words import GIVEN, NAME, input_of, usage


class BadCommand(CommandFailed):
    """A command cannot be offered; the message says which, and what to change."""


class Command(Protocol):
    """Something that answers to `/name`."""

    name: str
    about: str
    usage: str
    origin: str  # where it is declared, for whoever has to change it

    def is_for(self, caller: Caller) -> bool:
        """Whether the caller is offered it. Whether they may is checked when it runs."""

    async def run(self, call: Call, words: str, room_id: int, client_id: UUID) -> Said:
        """Runs it as the caller. Raises an `Error` of the tree."""


class ActionCommand:
    """An action that is declared with `command=`."""

    def __init__(self, action: Action[Any, Any]) -> None:
        self.name = action.command
        self.about = " ".join(action.about.partition("\n\n")[0].split())
        self.usage = usage(action.command, action.takes)
        self.origin = f"the action {action.method}"
        self._action = action
        self._given = GIVEN & set(action.takes.model_fields)
        _check(action)

    def is_for(self, caller: Caller) -> bool:
        return self._action.access is not Access.ADMIN or caller.role == "admin"

    async def run(self, call: Call, words: str, room_id: int, client_id: UUID) -> Said:
        given = input_of(self._action.takes, words)
        given |= {
            name: value for name, value in (("room_id", room_id), ("client_id", client_id)) if name in self._given
        }
        try:
            said: Said = await self._action.perform(call, given)
        except Invalid as error:
            raise Invalid(f"{error.detail} Usage: {self.usage}", fields=error.fields) from None
        return said


def _check(action: Action[Any, Any]) -> None:
    what = f"/{action.command} ({action.method})"
    if action.gives is not Said:
        raise BadCommand(f"{what} must return Said: that is what a slash command gives.")
    if action.access is Access.ANYONE:
        raise BadCommand(f"{what} must take a caller: access=Access.MEMBER or Access.ADMIN.")


class Commands:
    """The catalogue. Made anew when modules are loaded anew."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._by_name: dict[str, Command] = {}
        for command in commands:
            if not NAME.fullmatch(command.name):
                raise BadCommand(f"/{command.name} of {command.origin} is no name: a small letter, then a-z 0-9 - _")
            if (other := self._by_name.get(command.name)) is not None:
                raise BadCommand(f"/{command.name} is both {other.origin} and {command.origin}: rename one of them.")
            self._by_name[command.name] = command

    def find(self, name: str) -> Command | None:
        return self._by_name.get(name)

    def offered_to(self, caller: Caller) -> list[Command]:
        """The commands for this caller, by name."""
        return [command for _, command in sorted(self._by_name.items()) if command.is_for(caller)]


def commands_of(actions: Mapping[str, Action[Any, Any]]) -> list[Command]:
    """The actions that are slash commands."""
    return [ActionCommand(action) for action in actions.values() if action.command]
