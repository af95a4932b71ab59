"""The registry: each handler with its rule, method and schemas. Routes, checks and the document come from it."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import TypeVar

from flask import Flask, Response, request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

Run = TypeVar("Run", bound=Callable[..., object])


@dataclass(frozen=True)
class Handler:
    """A function that takes the parts of its rule and, as `given`, its input; and gives a model or plain text."""

    rule: str
    method: str
    run: Callable[..., object]
    takes: type[BaseModel] | None
    gives: type[BaseModel] | type[str]
    status: int

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def about(self) -> str:
        return getdoc(self.run) or ""

    @property
    def takes_a_body(self) -> bool:
        """What has no body takes its input from the query."""
        return self.takes is not None and self.method in ("POST", "PUT", "PATCH")

    def __call__(self, **parts: str) -> Response:
        """Checks the input, runs, and answers. A ValidationError holds every mistake of the input."""
        if self.takes is not None:
            given = self.takes.model_validate(_body() if self.takes_a_body else request.args.to_dict())
            result = self.run(given=given, **parts)
        else:
            result = self.run(**parts)
        if isinstance(result, BaseModel):
            return Response(result.model_dump_json(), self.status, mimetype="application/json")
        return Response(str(result), self.status, mimetype="text/plain")


class Registry:
    def __init__(self) -> None:
        self.handlers: list[Handler] = []

    def handle(
        self,
        method: str,
        rule: str,
        *,
        takes: type[BaseModel] | None = None,
        gives: type[BaseModel] | type[str],
        status: int = 200,
    ) -> Callable[[Run], Run]:
        """Registers the function below it."""

        def register(run: Run) -> Run:
            self.handlers.append(Handler(rule, method, run, takes, gives, status))
            return run

        return register

    def route(self, app: Flask) -> None:
        """Makes a route of each handler."""
        for handler in self.handlers:
            app.add_url_rule(handler.rule, handler.name, handler, methods=[handler.method])


def _body() -> object:
    if not request.is_json:
        raise UnsupportedMediaType("The body must be JSON.")
    try:
        return request.get_json()
    except BadRequest:
        raise BadRequest("The body is not JSON.") from None
