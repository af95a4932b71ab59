"""Which slash commands there are: actions that say so, and services that the operator has named."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from folkmoot.actions import Access, Action, Call, Caller, Registry
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
    if not NAME.fullmatch(action.command):
        raise BadCommand(f"{what} must be a small letter, and then at most 31 of a-z, 0-9, - and _.")
    if action.gives is not Said:
        raise BadCommand(f"{what} must return Said: that is what a slash command gives.")
    if action.access is Access.ANYONE:
        raise BadCommand(f"{what} must take a caller: access=Access.MEMBER or Access.ADMIN.")


class Commands:
    """The catalogue: what the actions of the loaded modules say at this moment, and what else there is."""

    def __init__(self, registry: Registry, others: Sequence[Command] = ()) -> None:
        """Raises BadCommand when two have one name."""
        self._registry = registry
        self._others = others
        check_names(self._all())

    def find(self, name: str) -> Command | None:
        return next((command for command in self._all() if command.name == name), None)

    def offered_to(self, caller: Caller) -> list[Command]:
        """The commands for this caller, by name."""
        return sorted((each for each in self._all() if each.is_for(caller)), key=attrgetter("name"))

    def _all(self) -> list[Command]:
        return [*commands_of(self._registry.actions.values()), *self._others]


def commands_of(actions: Iterable[Action[Any, Any]]) -> list[Command]:
    """The actions that are slash commands. Raises BadCommand for one that cannot be."""
    return [ActionCommand(action) for action in actions if action.command]


def check_names(commands: Iterable[Command]) -> None:
    """Raises BadCommand when two have one name; it names both."""
    by_name: dict[str, Command] = {}
    for command in commands:
        if (other := by_name.setdefault(command.name, command)) is not command:
            raise BadCommand(f"/{command.name} is both {other.origin} and {command.origin}: rename one of them.")
