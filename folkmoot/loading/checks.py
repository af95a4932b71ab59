"""What a module must be like to be let in, so that it cannot keep the others from starting."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from pydantic.json_schema import models_json_schema

from folkmoot.actions import Action
from folkmoot.loading.importing import Module
from folkmoot.loading.places import NAME, Failure
from folkmoot.routes import Route

PATH = re.compile(r"(/[A-Za-z0-9._~-]+|/\{[A-Za-z_]\w*\})+")
PARAMETER = re.compile(r"\{\w+\}")


def check(module: Module) -> Failure | None:
    """Why the module cannot be let in."""
    if not module.actions:
        return Failure(module.name, "its actions.py declares no action")
    for action in module.actions:
        if says := _of_action(action):
            return Failure(module.name, f"action {action.name!r}: {says}", where_of(action))
    for route in module.routes:
        if says := _of_route(module.name, route):
            return Failure(module.name, f"{route.method} {route.path}: {says}")
    if says := _said_twice(module.routes):
        return Failure(module.name, says)
    return None


def where_of(action: Action[Any, Any]) -> str:
    """The file and line where an action is declared."""
    code = action.run.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def _of_action(action: Action[Any, Any]) -> str:
    if action.name and not NAME.fullmatch(action.name):
        return "its name must be small letters, digits and underscores, beginning with a letter"
    try:
        models_json_schema([(action.takes, "validation")])
    except Exception as error:  # a developer's own types may raise anything while they are described
        return f"its input cannot be described: {error}"
    try:
        msgspec.json.schema_components([action.gives])
    except Exception as error:  # as above
        return f"its output cannot be written as JSON: {error}"
    return ""


def _of_route(name: str, route: Route) -> str:
    if not isinstance(route, Route):
        return "is not a Route"
    if not PATH.fullmatch(route.path):
        return "is not a path such as /v1.0/shop/items/{item_id}"
    if not (route.path + "/").startswith(f"/v1.0/{name}/"):
        return f"the addresses of a module begin with /v1.0/{name}"
    in_path = PARAMETER.findall(route.path)
    unknown = {part.strip("{}") for part in in_path} - set(route.action.takes.model_fields)
    if unknown or len(set(in_path)) < len(in_path):
        return f"what is in braces must each be a field of {route.action.takes.__name__}"
    return ""


def _said_twice(routes: Iterable[Route]) -> str:
    seen: set[tuple[str, str]] = set()
    for route in routes:
        address = (route.method, PARAMETER.sub("{}", route.path))
        if address in seen:
            return f"{route.method} {route.path} is listed twice"
        seen.add(address)
    return ""
