"""Errors: all of them JSON, with a message, and with what is wrong in each field of the input."""

from flask import Flask, Response, current_app
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException


class Problem(BaseModel):
    message: str
    errors: dict[str, list[str]] = Field(default_factory=dict)


def translate(app: Flask) -> None:
    """Makes every error of the application an answer of this shape."""
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unexpected)


def _invalid(error: ValidationError) -> Response:
    fields: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False):
        name = ".".join(map(str, problem["loc"])) or "body"
        fields.setdefault(name, []).append(problem["msg"])
    return _answer(Problem(message="The input is not valid.", errors=fields), 400)


def _of_http(error: HTTPException) -> Response:
    answer = error.get_response()
    answer.data = Problem(message=error.description or error.name).model_dump_json()
    answer.content_type = "application/json"
    return answer


def _unexpected(error: Exception) -> Response:
    """The reason is in the log, and nowhere else. Flask's own handler would show a page."""
    current_app.logger.exception("request failed", exc_info=error)
    return _answer(Problem(message="Something went wrong on the server."), 500)


def _answer(problem: Problem, status: int) -> Response:
    return Response(problem.model_dump_json(), status, mimetype="application/json")
