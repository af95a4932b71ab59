"""The REST service: what is registered is served, checked and written down; all errors are JSON of one shape."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.examples.programs import Program, service


@pytest.fixture
def rest(hellos: dict[str, Program]) -> Program:
    return hellos["rest"]


async def test_it_greets(rest: Program) -> None:
    answer = await rest.http.get("/")
    assert (answer.status_code, answer.json()) == (200, {"message": "Hello, Being!"})
    made = await rest.http.post("/greetings", json={"name": "Gonzalo", "language": "es"})
    assert (made.status_code, made.json()) == (201, {"message": "Hola, Gonzalo!"})


REFUSALS: dict[str, tuple[str, str, dict[str, Any], int, str, dict[str, str]]] = {
    "not there": ("GET", "/nothing", {}, 404, "not found", {}),
    "another method": ("DELETE", "/", {}, 405, "not allowed", {}),
    "no JSON by its type": ("POST", "/greetings", {"content": "name=x"}, 415, "must be JSON", {}),
    "no JSON": (
        "POST", "/greetings", {"content": "{", "headers": {"Content-Type": "application/json"}},
        400, "not JSON", {},
    ),
    "no object": ("POST", "/greetings", {"json": [1]}, 400, "not valid", {"body": "dictionary"}),
    "fields": (
        "POST", "/greetings", {"json": {"name": "", "language": "tlh"}},
        400, "not valid", {"name": "at least 1 character", "language": "'en', 'es' or 'ang'"},
    ),
    "a missing field": ("POST", "/greetings", {"json": {}}, 400, "not valid", {"name": "required"}),
    "too large": ("POST", "/greetings", {"json": {"name": "x" * 70_000}}, 413, "exceeds the capacity limit", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
async def test_every_error_is_json_with_a_message_and_errors_by_field(rest: Program, case: str) -> None:
    method, path, given, status, message, errors = REFUSALS[case]
    answer = await rest.http.request(method, path, **given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert said.keys() == {"message", "errors"}
    assert message in said["message"]
    assert said["errors"].keys() == errors.keys()
    for field, words in errors.items():
        assert words in said["errors"][field][0]


async def test_a_handler_that_breaks_is_an_error_of_the_same_shape() -> None:
    broken = (sys.executable, "-m", "gunicorn", "--pythonpath", str(Path(__file__).parent), "broken:app")
    async with service("rest-service", *broken, BIND="127.0.0.1:{port}", WORKERS="1") as rest:
        answer = await rest.http.get("/broken")
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/json")
        assert answer.json() == {"message": "Something went wrong on the server.", "errors": {}}
        await rest.says("ZeroDivisionError")


async def test_the_document_holds_every_handler_with_its_schemas(rest: Program) -> None:
    document = (await rest.http.get("/swagger")).json()
    assert document["openapi"] == "3.1.0"
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == {
        ("/", "get"), ("/hello/{username}", "get"), ("/greetings", "post"), ("/health", "get"),
    }  # fmt: skip
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named == document["components"]["schemas"].keys() == {"Message", "Greeting", "Problem"}
    (part,) = document["paths"]["/hello/{username}"]["get"]["parameters"]
    assert (part["name"], part["in"], part["required"]) == ("username", "path", True)


async def test_its_page_comes_with_all_it_needs(rest: Program) -> None:
    for address in ("/swagger/ui", "/swagger/ui/"):
        page = await rest.http.get(address)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '"url": "/swagger"' in page.text
    assert "://" not in page.text, "it asks nobody else"
    for needed in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await rest.http.get(needed)).status_code == 200, needed
