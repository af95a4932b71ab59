"""How a module declares its actions."""

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import BaseModel

from folkmoot.actions.access import Access, Reach
from folkmoot.actions.declared import Action, In, Out, Run


def action(
    *,
    access: Access = Access.MEMBER,
    name: str | None = None,
    command: str = "",
    is_sensitive: bool = False,
    while_enrolling: bool = False,
    rest_only: bool = False,
    audits: bool = False,
    own_sign_in: bool = False,
    cost: int = 1,
    reach: Reach | None = None,
) -> Callable[[Run[In, Out]], Action[In, Out]]:
    """Declares a function of a module's `actions.py` as an action named `<module>.<function>`, or as `name` says.

    The action named `""` is what a module itself answers, at `/v1.0/<module>/`. With `command="roll"` it is also
    `/roll` in the chat: its fields take the words, and it gives `Said`. What is sensitive asks again for a password or
    a code when the sign-in is older than the operator allows. What `audits` is an entry of the audit log each time:
    written when it is done, or better by `call.note` in the transaction that does it. With `own_sign_in` no token may.
    What reads or does much counts as `cost` requests of those that one user may make, by whichever door.
    `reach` says on what the caller may act, which the action itself checks; docs/reference/permissions.md shows it.
    """

    def declare(run: Run[In, Out]) -> Action[In, Out]:
        hints = get_type_hints(run, localns={"Core": Any})
        parameters = list(inspect.signature(run).parameters)
        if len(parameters) != 2 or "return" not in hints or not _is_model(hints.get(parameters[1])):
            raise TypeError(
                f"{run.__name__} must read: async def {run.__name__}(call: Call, given: AnInput) -> AnOutput"
            )
        if cost < 1 or (cost > 1 and access is Access.ANYONE):
            raise TypeError(f"{run.__name__}: a cost is counted for users, so it takes access of a member or an admin")
        module = run.__module__.split(".")[-2]
        about = inspect.getdoc(run) or ""
        named = run.__name__ if name is None else name
        return Action(
            module,
            named,
            access,
            hints[parameters[1]],
            hints["return"],
            run,
            about,
            command,
            is_sensitive=is_sensitive,
            while_enrolling=while_enrolling,
            rest_only=rest_only,
            audits=audits,
            own_sign_in=own_sign_in,
            cost=cost,
            reach=reach,
        )

    return declare


def _is_model(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def declared_in(package: str) -> list[Action[Any, Any]]:
    """The actions that a module's `actions.py` declares itself."""
    file = import_module(f"{package}.actions")
    return [
        entry for entry in vars(file).values() if isinstance(entry, Action) and entry.run.__module__ == file.__name__
    ]
