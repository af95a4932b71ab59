"""The OpenAPI document of a registry."""

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from problems import Problem
from registry import Handler, Registry

REF = "#/components/schemas/{model}"
PART = re.compile(r"<(?:\w+:)?(\w+)>")

Json = dict[str, Any]


def describe(registry: Registry, title: str, version: str) -> Json:
    models = {model for handler in registry.handlers for model in (handler.takes, handler.gives, Problem)}
    schemas = sorted((model for model in models if _is_model(model)), key=lambda model: model.__name__)
    _, components = models_json_schema([(model, "validation") for model in schemas], ref_template=REF)
    paths: Json = {}
    for handler in registry.handlers:
        path = PART.sub(r"{\1}", handler.rule)
        paths.setdefault(path, {})[handler.method.lower()] = _operation(handler)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": components["$defs"]},
    }


def _operation(handler: Handler) -> Json:
    operation: Json = {
        "operationId": handler.name,
        "summary": handler.about,
        "parameters": [*_parts(handler), *_query(handler)],
        "responses": {
            str(handler.status): {"description": "Done", "content": _content(handler.gives)},
            "default": {"description": "What went wrong", "content": _content(Problem)},
        },
    }
    if handler.takes_a_body:
        operation["requestBody"] = {"required": True, "content": _content(handler.takes)}
    return operation


def _parts(handler: Handler) -> list[Json]:
    """Those of the path."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in PART.findall(handler.rule)
    ]


def _query(handler: Handler) -> list[Json]:
    if handler.takes is None or handler.takes_a_body:
        return []
    schema = handler.takes.model_json_schema()
    return [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": of_field}
        for name, of_field in schema["properties"].items()
    ]


def _content(kind: type[BaseModel] | type[str] | None) -> Json:
    if not _is_model(kind):
        return {"text/plain": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": {"$ref": REF.format(model=kind.__name__)}}}


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
