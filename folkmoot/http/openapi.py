"""The OpenAPI 3.1 document, made from the routes and the schemas of their actions."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from folkmoot import __version__
from folkmoot.actions import Access, Action, Nothing
from folkmoot.routes import Route

REF = "#/components/schemas/{name}"
DOORS = "/v1.0/actions/"

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is stable; `detail` is a sentence for people.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "challenge": {"type": "string", "description": "with the code `second_factor_needed`"},
        "expires_in_s": {"type": "integer", "description": "seconds that the challenge holds"},
    },
}

REFUSALS = {
    "400": "The input is not valid",
    "401": "Not signed in",
    "403": "Not allowed",
    "404": "Not there, or not for this caller",
    "409": "Clashes with what is there",
    "413": "Too large",
    "415": "Not JSON",
    "429": "Too many requests",
    "500": "Something went wrong",
    "503": "Cannot answer right now",
}


class _Door(Route):
    """The address of an action in the JSON database API, which answers with what the action gives, whatever it is."""

    @property
    def output(self) -> Any:
        return self.action.gives


def describe(routes: list[Route], doors: Sequence[Action[Any, Any]] = ()) -> dict[str, Any]:
    """The document of the REST routes, and of the addresses that the JSON database API has for these actions.

    Paths are those a browser uses, below `/api`.
    """
    routes = [*routes, *(_Door("POST", f"{DOORS}{action.module}/{action.name}", action) for action in doors)]
    inputs, outputs = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/api{route.path}", {})[route.method.lower()] = _operation(route, inputs, outputs)
    schemas = {**inputs["schemas"], **outputs["schemas"], "Problem": PROBLEM}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Folkmoot", "version": __version__, "description": "Rooms, messages, sessions."},
        "paths": paths,
        "components": {
            "schemas": {name: schemas[name] for name in sorted(_used(paths, schemas))},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
            },
        },
    }


def _used(paths: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """The names of the schemas that the paths lead to."""
    found: set[str] = set()
    waiting: list[Any] = [paths]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, str) and part.startswith(REF.format(name="")):
            name = part.rpartition("/")[2]
            waiting.extend([schemas[name]] if name not in found else [])
            found.add(name)
    return found


def _schemas(routes: list[Route]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Input models by pydantic, output structs by msgspec: each with a reference for every type."""
    takes = list({route.action.takes: None for route in routes if route.action.takes is not Nothing})
    gives = list({route.output: None for route in routes if route.output is not None})
    schemas, components = msgspec.json.schema_components(gives, ref_template=REF)
    refs, described = _inputs(takes, "{model}")
    if described.keys() & components.keys():  # two modules may use one word, the one for what it takes
        refs, described = _inputs(takes, "{model}Input")
    return (
        {"schemas": described, "refs": refs},
        {"schemas": components, "refs": dict(zip(gives, schemas, strict=True))},
    )


def _inputs(takes: list[type[BaseModel]], named: str) -> tuple[dict[type[BaseModel], str], dict[str, Any]]:
    """The name of the schema of each model, and all schemas by their names."""
    refs, document = models_json_schema([(model, "validation") for model in takes], ref_template=REF.format(name=named))
    described = {named.format(model=name): schema for name, schema in document.get("$defs", {}).items()}
    return {model: refs[model, "validation"]["$ref"].rpartition("/")[2] for model in takes}, described


def _operation(route: Route, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    summary, _, description = route.action.about.partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": _name(route),
        "tags": [route.action.module],
        "summary": " ".join(summary.split()),
        "responses": _responses(route, outputs),
        "security": _security(route),
    }
    if description:
        operation["description"] = description
    in_path = set(re.findall(r"{(\w+)}", route.path))
    if route.action.takes is not Nothing:
        name = inputs["refs"][route.action.takes]
        _add_input(operation, route, in_path, name, inputs["schemas"][name])
    return operation


def _name(route: Route) -> str:
    name = f"{route.action.module}_{route.action.name}".rstrip("_")
    return f"actions_{name}" if isinstance(route, _Door) else name


def _security(route: Route) -> list[dict[str, list[str]]]:
    if isinstance(route, _Door):
        return [{"bearer": []}]
    return [] if route.action.access is Access.ANYONE else [{"bearer": []}, {"cookie": []}]


def _add_input(operation: dict[str, Any], route: Route, in_path: set[str], name: str, schema: dict[str, Any]) -> None:
    properties, required = schema["properties"], set(schema.get("required", ()))
    in_query = set(properties) - in_path if route.method in ("GET", "DELETE") else set()
    operation["parameters"] = [
        {
            "name": field,
            "in": "path" if field in in_path else "query",
            "required": field in in_path or field in required,
            "schema": _without_null(properties[field]) if field in in_query else properties[field],
        }
        for field in properties
        if field in in_path | in_query
    ]
    rest = {field: value for field, value in properties.items() if field not in in_path | in_query}
    if rest:
        body = {**schema, "properties": rest, "required": sorted(required - in_path)}
        if rest == properties:
            body = {"$ref": REF.format(name=name)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query says nothing by leaving a parameter out; it has no null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return {**kinds[0], "title": schema.get("title", "")} if len(kinds) == 1 else schema


def _responses(route: Route, outputs: dict[str, Any]) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": REF.format(name="Problem")}}}
    answer: dict[str, Any] = {"description": "Done"}
    status = 204
    if route.output is not None:
        status = route.status
        answer["content"] = {route.content_type: {"schema": outputs["refs"][route.output]}}
    refused = {code: {"description": text, "content": problem} for code, text in REFUSALS.items()}
    return {str(status): answer, **refused}
