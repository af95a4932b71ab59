"""A walk over every address of the application: without a valid token only those open that are meant to."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sanic import HTTPResponse, Request, Sanic

from folkmoot.app import Node
from folkmoot.loading.revisions import migrate_modules
from folkmoot.modules import BUILT_IN
from folkmoot.routes import load_routes
from folkmoot.settings import Settings
from tests.conftest import Start
from tests.http.test_site import built
from tests.people import Member, assert_problem, enrol, token_of, visiting

# What anybody may ask, and the statuses that they then may see.
OPEN = {
    ("GET", "/"): {200},
    ("HEAD", "/"): {200},
    ("GET", "/{path}"): {200},
    ("HEAD", "/{path}"): {200},
    ("GET", "/api"): {200},
    ("GET", "/api/docs"): {200},
    ("HEAD", "/api/docs"): {200},
    ("GET", "/api/openapi.json"): {200},
    ("GET", "/openapi.json"): {200},
    ("GET", "/healthz"): {200},
    ("HEAD", "/healthz"): {200},
    ("GET", "/readyz"): {200},
    ("HEAD", "/readyz"): {200},
    **{
        (method, f"{prefix}/v1.0/{name}"): statuses
        for prefix in ("", "/api")
        for method, name, statuses in (
            ("GET", "user/auth", {200}),
            ("POST", "user/auth", {400, 401}),
            ("POST", "user/auth/code", {400, 401}),
            ("POST", "session", {400, 401}),
            ("POST", "session/code", {400, 401}),
            ("POST", "hooks/{token}", {404}),
            ("GET", "resets", {200}),
            ("POST", "resets", {400, 503}),
            ("POST", "resets/look", {400}),
            ("POST", "resets/choose", {400}),
        )
    },
}
NOTHING_THERE = {(method, "/{path}") for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
# Each is as many addresses as there are actions: see `doors_of`.
DOORS = {
    ("POST", f"{prefix}/v1.0/actions/{rest}") for prefix in ("", "/api") for rest in ("{module}", "{module}/{action}")
}
MALFORMED = ["", "Bearer", "Basic YWRhOmFkYQ==", "Token x", "bearer", "null", "Bearer \x7f"]
WRONG = ["Bearer x", "Bearer null", "Bearer " + "x" * 43, "Bearer " + "x" * 4_000, "Bearer a b", "Bearer ' OR 1=1 --"]


class Address(NamedTuple):
    method: str
    path: str  # with its parameters in braces

    @property
    def filled(self) -> str:
        return re.sub(r"{\w+}", "1", self.path)


def routed(app: "Sanic[Any, Any]") -> set[Address]:
    """Every method and path that the router of the application knows."""
    return {
        Address(method, "/" + re.sub(r"<(\w+):\w+>", r"{\1}", route.path).lstrip("/"))
        for route in app.router.routes
        for method in route.methods
    }


def doors_of(node: Node) -> set[Address]:
    """The addresses that the JSON database API has for the actions of all modules, the long and the short ones."""
    rest = {route.path for route in load_routes(BUILT_IN)}
    return {
        Address("POST", f"/api/v1.0/{kind}{action.module}/{action.name}")
        for action in node.core.registry.callable
        for kind in ("actions/", "")
        if kind or f"/v1.0/{action.module}/{action.name}" not in rest
    }


@pytest.fixture(scope="module")
async def whole(
    start: Start, settings: Settings, checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Node, set[Address]]]:
    """A node with everything on, and all of its addresses."""
    before = set(Sanic._app_registry)
    modules = (str(checkout / "examples" / "modules" / "example"),)
    await migrate_modules(settings.model_copy(update={"modules": modules}))
    async with start(site=built(tmp_path_factory.mktemp("built")), serve_site=True, modules=modules) as node:
        (name,) = set(Sanic._app_registry) - before
        yield node, routed(Sanic.get_app(name))


@pytest.fixture(scope="module")
def closed(whole: tuple[Node, set[Address]]) -> list[Address]:
    return sorted((whole[1] | doors_of(whole[0])) - OPEN.keys() - NOTHING_THERE - DOORS)


async def refusals(node: Node, addresses: list[Address], authorization: str | None) -> list[httpx.Response]:
    async with visiting(node) as http:
        headers = {} if authorization is None else {b"Authorization": authorization.encode("latin-1")}
        return [await http.request(one.method, one.filled, headers=headers, json=body_of(one)) for one in addresses]


def body_of(address: Address) -> dict[str, object] | None:
    return None if address.method in ("GET", "HEAD", "DELETE", "OPTIONS") else {}


async def test_the_walk_sees_every_route_of_every_module_with_and_without_the_prefix(
    whole: tuple[Node, set[Address]], closed: list[Address]
) -> None:
    declared = {
        Address(route.method, prefix + route.path) for route in load_routes(BUILT_IN) for prefix in ("", "/api")
    }
    assert declared <= whole[1]
    assert len(closed) >= 120
    for rest in ("actions/example/", "example/", "example/foo", "rooms/mine", "actions/rooms/mine"):
        assert Address("POST", f"/api/v1.0/{rest}") in closed
    assert OPEN.keys() <= whole[1], "an open address that is not there any more must leave the list"
    assert whole[1] == (set(closed) - doors_of(whole[0])) | OPEN.keys() | NOTHING_THERE | DOORS


async def test_nothing_opens_without_a_token(whole: tuple[Node, set[Address]], closed: list[Address]) -> None:
    for answer in await refusals(whole[0], closed, None):
        assert_problem(answer, 401, "not_signed_in")


@pytest.mark.parametrize("authorization", MALFORMED + WRONG, ids=range(len(MALFORMED + WRONG)))
async def test_nothing_opens_with_a_token_that_is_none(
    whole: tuple[Node, set[Address]], closed: list[Address], authorization: str
) -> None:
    for answer in await refusals(whole[0], closed, authorization):
        assert_problem(answer, 401, "not_signed_in")


@pytest.mark.parametrize("how", ["expired", "revoked", "disabled"])
async def test_nothing_opens_with_a_token_that_was_one(
    whole: tuple[Node, set[Address]], closed: list[Address], database: Any, admin: Member, how: str
) -> None:
    async with enrol(whole[0], "Former") as former:
        if how == "expired":
            await database.execute("UPDATE sessions SET expires_at = now() WHERE user_id = $1", former.id)
        elif how == "revoked":
            assert (await former.http.get("/api/v1.0/session")).status_code == 200
            await former.http.delete("/api/v1.0/session")
        else:
            await admin.http.post(f"/api/v1.0/accounts/{former.id}/disable")
        for answer in await refusals(whole[0], closed, f"Bearer {former.token}"):
            assert_problem(answer, 401, "not_signed_in")


@pytest.mark.parametrize("scope", ["example.foo", "messages.history"])
async def test_nothing_opens_with_a_token_for_something_else(
    whole: tuple[Node, set[Address]], closed: list[Address], scope: str
) -> None:
    module, name = scope.split(".")
    own = (f"/{module}/{name}", "/events")
    async with enrol(whole[0], "Root", "admin") as root, token_of(root, scope) as http:
        others = [one for one in closed if not one.path.endswith(own)]
        assert 0 < len(closed) - len(others) <= 6
        for answer in await refusals(whole[0], others, http.headers["authorization"]):
            assert_problem(answer, 403, "insufficient_scope")
        (door,) = [one for one in closed if one.path.endswith(f"/actions/{module}/{name}")]
        assert (await http.post(door.path, json={})).status_code == 400, "so that the refusals mean what they say"


async def test_a_live_token_does_open_them(whole: tuple[Node, set[Address]], closed: list[Address]) -> None:
    """So that the refusals above mean what they say."""
    async with enrol(whole[0], "Root", "admin") as root:
        last = [one for one in closed if one.path.endswith(("/session", "/sign_out"))]  # signs out
        for one in [one for one in closed if one not in last or one.method == "GET"]:
            path = one.filled.replace("/1/disable", "/999999/disable")
            answer = await root.http.request(one.method, path, json=body_of(one))
            assert answer.status_code not in (401, 403, 405, 500), (one, answer.text)


async def test_what_is_open_answers_anybody(whole: tuple[Node, set[Address]]) -> None:
    async with visiting(whole[0]) as http:
        for (method, path), statuses in OPEN.items():
            address = Address(method, path)
            answer = await http.request(method, address.filled, json=body_of(address))
            assert answer.status_code in statuses, (address, answer.text)


async def test_what_only_admins_may_do_is_forbidden_to_members(ada: Member, admin: Member) -> None:
    only = [route for route in load_routes(BUILT_IN) if route.action.access.value == "admin"]
    assert len(only) >= 4
    for route in only:
        answer = await ada.http.request(route.method, "/api" + route.path.replace("{user_id}", str(ada.id)))
        assert_problem(answer, 403, "forbidden")


async def _checks_nobody(request: Request) -> HTTPResponse:
    raise AssertionError("it is only looked at")


async def test_a_planted_route_that_checks_nobody_would_be_seen() -> None:
    """The walk reads the router itself, so that an address added beside the modules cannot hide from it."""
    app: Sanic[Any, Any] = Sanic("planted", configure_logging=False)
    try:
        app.add_route(_checks_nobody, "/api/v1.0/back/<door:str>", methods=["GET"])
        assert routed(app) - OPEN.keys() == {Address("GET", "/api/v1.0/back/{door}")}
    finally:
        Sanic.unregister_app(app)


async def test_no_module_is_left_out(checkout: Path) -> None:
    folders = {path.parent.name for path in (checkout / "folkmoot" / "modules").glob("*/routes.py")}
    assert {f"folkmoot.modules.{name}" for name in folders} == set(BUILT_IN)
