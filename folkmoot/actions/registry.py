"""All actions, as the doors find them."""

from collections.abc import Iterable
from typing import Any

from folkmoot.actions.call import EVERYTHING
from folkmoot.actions.declared import Action
from folkmoot.actions.declaring import declared_in
from folkmoot.errors import UnknownMethod


class Registry:
    """All actions of the loaded modules, by their method names."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.actions: dict[str, Action[Any, Any]] = {}
        for module in modules:
            self.add(declared_in(module))

    def add(self, actions: Iterable[Action[Any, Any]]) -> None:
        self.actions.update({entry.method: entry for entry in actions})

    def remove(self, actions: Iterable[Action[Any, Any]]) -> None:
        for entry in actions:
            self.actions.pop(entry.method, None)

    def knows_scope(self, scope: str) -> bool:
        """Whether a token can have the scope: `all`, the name of a module, or of an action that takes a sign-in."""
        open_to_tokens = {name: entry for name, entry in self.actions.items() if entry.has_doors}
        modules = {entry.module for entry in open_to_tokens.values()}
        return scope == EVERYTHING or scope in modules or scope in open_to_tokens

    def find(self, method: str) -> Action[Any, Any]:
        """The action of that name, if callers who are signed in may name it. Raises UnknownMethod."""
        found = self.actions.get(method)
        if found is None or not found.has_doors:
            raise UnknownMethod(f"There is no method {method[:100]!r}.")
        return found

    @property
    def callable(self) -> list[Action[Any, Any]]:
        """Those that callers who are signed in may name."""
        return [entry for entry in self.actions.values() if entry.has_doors]
