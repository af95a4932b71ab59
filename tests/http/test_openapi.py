"""The document at /api/openapi.json describes what the server does."""

import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from folkmoot import __version__
from folkmoot.actions import Access, Registry
from folkmoot.modules import BUILT_IN
from folkmoot.routes import Route, load_routes
from tests.people import Member

METHODS = {"get", "post", "put", "delete"}


@pytest.fixture
async def document(visitor: httpx.AsyncClient) -> dict[str, Any]:
    answer = await visitor.get("/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return dict(answer.json())


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method, path): one for path, item in document["paths"].items() for method, one in item.items()}


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        here = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return here.union(*(references(value) for value in part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


async def test_it_is_the_same_at_both_addresses_and_names_our_version(
    visitor: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    assert (await visitor.get("/openapi.json")).json() == document
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__


async def test_it_is_a_valid_openapi_3_1_document(document: dict[str, Any]) -> None:
    from schemathesis.openapi import from_dict

    loaded = from_dict(document)
    found = [one.ok() for one in loaded.get_all_operations()]  # type: ignore[union-attr]  # raises for what is not
    assert {(one.method, one.path) for one in found} == {
        (method.lower(), path) for method, path in operations(document)
    }
    loaded.validate()


async def test_it_describes_every_route_and_no_other(document: dict[str, Any]) -> None:
    declared = {(route.method.lower(), f"/api{route.path}") for route in load_routes(BUILT_IN)}
    doors = {("post", f"/api/v1.0/actions/{action.module}/{action.name}") for action in Registry(BUILT_IN).callable}
    assert operations(document).keys() == declared | doors
    assert len(declared) >= 20
    assert len(doors) >= 20


async def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    described = operations(document)
    names = [one["operationId"] for one in described.values()]
    assert len(set(names)) == len(names)
    for one in described.values():
        assert one["summary"].endswith((".", "again.")), one
        assert one["tags"]


async def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for (method, path), one in operations(document).items():
        described = {entry["name"]: entry for entry in one.get("parameters", []) if entry["in"] == "path"}
        assert described.keys() == set(re.findall(r"{(\w+)}", path)), (method, path)
        assert all(entry["required"] for entry in described.values())
        kinds = {entry["schema"]["type"] for entry in described.values()}
        assert kinds <= ({"string"} if path.endswith("/totp/check/{code}") else {"integer"})


async def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    found = references(document)
    assert found <= schemas
    unused = schemas - found
    assert not unused, "schemas that no operation leads to"


async def test_every_schema_is_json_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}), name


async def test_the_doors_of_actions_take_what_actions_take_and_no_cookie(document: dict[str, Any]) -> None:
    described = operations(document)
    for action in Registry(BUILT_IN).callable:
        door = described["post", f"/api/v1.0/actions/{action.module}/{action.name}"]
        assert door["security"] == [{"bearer": []}]
        assert "200" in door["responses"]
        assert ("requestBody" in door) == bool(action.takes.model_fields)
        assert door["operationId"] == f"actions_{action.module}_{action.name}"
    sent = described["post", "/api/v1.0/actions/messages/send"]
    assert sent["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewMessage"}


async def test_who_must_be_signed_in_is_written_down(document: dict[str, Any]) -> None:
    described = operations(document)
    for route in load_routes(BUILT_IN):
        security = described[route.method.lower(), f"/api{route.path}"]["security"]
        assert security == ([] if route.action.access is Access.ANYONE else [{"bearer": []}, {"cookie": []}])


@pytest.mark.parametrize("route", load_routes(BUILT_IN), ids=lambda route: f"{route.method} {route.path}")
def test_a_success_is_described_with_its_own_status(route: Route) -> None:
    from folkmoot.http.openapi import describe

    answers = describe(load_routes(BUILT_IN))["paths"][f"/api{route.path}"][route.method.lower()]["responses"]
    (success,) = [status for status in answers if status.startswith("2")]
    assert int(success) == (204 if route.output is None else route.status)
    assert ("content" in answers[success]) == (success != "204")
    assert answers["400"]["content"].keys() == {"application/problem+json"}


async def test_real_answers_fit_their_schemas(ada: Member, document: dict[str, Any]) -> None:
    room_id = await ada.make_room()
    await ada.say(room_id, "Hello")
    for path in (
        "/session", "/sessions", "/people", "/rooms", "/rooms/open", "/rooms/{room_id}", "/rooms/{room_id}/events",
        "/rooms/{room_id}/members",
    ):  # fmt: skip
        answer = await ada.http.get(f"/api/v1.0{path}".replace("{room_id}", str(room_id)))
        content = document["paths"][f"/api/v1.0{path}"]["get"]["responses"]["200"]["content"]
        schema = {**content["application/json"]["schema"], "components": document["components"]}
        jsonschema_rs.validate(schema, answer.json())
        broken = {name: {"not": "that"} for name in answer.json()}
        assert not jsonschema_rs.is_valid(schema, broken), "for this test to mean anything, schemas must refuse"
