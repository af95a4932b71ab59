"""What a module's `routes.py` lists: method and path, and the action behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import msgspec

from folkmoot.actions import Action, Done
from folkmoot.errors import Error

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than the action's result: it may start or end the browser's session."""

    body: msgspec.Struct | None
    session_token: str | None = None
    ends_session: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """An address of an action. Path parameters, then the query or the JSON body, are its input."""

    method: Method
    path: str
    action: Action[Any, Any]
    status: int = 200
    # Where the answer differs from the action's own:
    gives: type[msgspec.Struct] | None = None
    reply: Callable[[Any], Reply] | None = None
    refusal: Callable[[Error], dict[str, object]] | None = None

    @property
    def output(self) -> type[msgspec.Struct] | None:
        """What a successful answer holds; None for 204."""
        given = self.gives or self.action.gives
        return None if given is Done else given


def load_routes(modules: Sequence[str]) -> list[Route]:
    """The routes of all modules, in their order."""
    return [route for module in modules for route in import_module(f"{module}.routes").ROUTES]
