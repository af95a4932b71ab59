"""The page of permissions as it is read, and ways to try each action at every door.

What is tried is nonsense: an action that lets somebody in answers that the input is invalid, and has done nothing.
"""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from folkmoot.app import Node
from folkmoot.errors import Error
from folkmoot.modules import BUILT_IN
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.folkmoot_pb2_grpc import FolkmootStub
from folkmoot.routes import load_routes
from scripts.permissions import PAGE
from tests.realtime.wire import Wire
from tests.rpc.words import WITHIN_S, bearer, code_in

NONSENSE = {"no_such_field": "x"}
LET_IN = "invalid"
OF_HOOKS = "incoming.post"  # its door is its own: the token in the path is all that is asked for

Line = dict[str, str]


def written_down() -> list[Line]:
    """The lines of the table, by the titles of its columns."""
    table = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in PAGE.read_text().splitlines()
        if line.startswith("|")
    ]
    titles, _, *lines = table
    assert len(lines) > 60
    return [dict(zip(titles, line, strict=True)) for line in lines]


@dataclass(frozen=True)
class Door:
    """A way in: its name, and how it is tried by somebody: the code of the error that comes of it."""

    name: str
    attempt: Callable[[str], Awaitable[str]]


def rest(http: httpx.AsyncClient) -> Door:
    """The addresses of REST that an action has."""

    async def attempt(action: str) -> str:
        codes = set()
        for route in load_routes(BUILT_IN):
            if route.action.method == action:
                path = "/api" + re.sub(r"{\w+}", "1", route.path)
                given: dict[str, Any] = {"params" if route.method in ("GET", "DELETE") else "json": NONSENSE}
                codes.add(_code_of(await http.request(route.method, path, **given)))
        assert len(codes) == 1, f"{action} has {codes} at its addresses"
        return codes.pop()

    return Door("REST", attempt)


def doors_of_json(http: httpx.AsyncClient) -> Door:
    """The address of an action in the JSON database API."""

    async def attempt(action: str) -> str:
        return _code_of(await http.post(f"/api/v1.0/actions/{action.replace('.', '/')}", json=NONSENSE))

    return Door("JSON", attempt)


def socket(wire: Wire) -> Door:
    async def attempt(action: str) -> str:
        reply = await wire.ask("rpc", method=action, data=NONSENSE)
        return _code_of_number(reply["error"]["code"])

    return Door("socket", attempt)


def remote(node: Node, channel: grpc.aio.Channel, token: str) -> Door:
    async def attempt(action: str) -> str:
        module, _, name = action.partition(".")
        given = pb.CallRequest(module=module, action=name, json=json.dumps(NONSENSE))
        try:
            await FolkmootStub(channel).Call(given, metadata=bearer(token), timeout=WITHIN_S)
        except grpc.aio.AioRpcError as error:
            return code_in(error.trailing_metadata())
        return "ok"

    return Door("gRPC", attempt)


def _code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"]) if answer.is_error else "ok"


def _code_of_number(number: int) -> str:
    """A socket says numbers, which several errors share: the code of the first of them."""
    return next(kind.code for kind in _kinds(Error) if kind.rpc_code == number)


def same(door: Door, found: str, expected: str) -> bool:
    """Whether they are the same, as far as the door tells them apart."""
    if door.name != "socket":
        return found == expected
    kinds = {kind.code: kind.rpc_code for kind in _kinds(Error)}
    return kinds[found] == kinds[expected]


def _kinds(kind: type[Error]) -> list[type[Error]]:
    return [kind, *(one for below in kind.__subclasses__() for one in _kinds(below))]
