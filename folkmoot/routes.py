"""What a module's `routes.py` lists: method and path, and the action behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from folkmoot.actions import Action, Done
from folkmoot.errors import Error

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is more than the action's result: it may start or end the browser's session."""

    body: Any  # None for 204
    session_token: str | None = None
    ends_session: bool = False
    device_token: str | None = None  # by which the browser is known from now on


@dataclass(frozen=True, slots=True)
class Route:
    """An address of an action. Path parameters, then the query or the JSON body, are its input."""

    method: Method
    path: str
    action: Action[Any, Any]
    status: int = 200
    # Where the answer differs from the action's own:
    gives: type[Any] | None = None
    content_type: str = "application/json"  # of another one, the reply has the bytes
    reply: Callable[[Any], Reply] | None = None
    refusal: Callable[[Error], dict[str, object]] | None = None

    @property
    def output(self) -> type[Any] | None:
        """What a successful answer holds; None for 204."""
        given = self.gives or self.action.gives
        return None if given is Done else given


def load_routes(modules: Sequence[str]) -> list[Route]:
    """The routes of all modules, in their order. A module may have none, and then no `routes.py`."""
    files = [f"{module}.routes" for module in modules]
    return [route for file in files if find_spec(file) for route in import_module(file).ROUTES]
