"""Each action by everybody at every door: it is as docs/reference/permissions.md says (S16, S21, S24)."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import asyncpg
import httpx
import pytest

from folkmoot.actions import Action, Call
from folkmoot.app import Node
from folkmoot.commands import OPERATOR
from folkmoot.errors import Error
from folkmoot.modules import BUILT_IN
from folkmoot.routes import load_routes
from scripts.permissions import PAGE, ours, page
from tests.conftest import Start
from tests.people import Member, enrol, enrol_bot, token_of, visiting
from tests.permissions.words import (
    LET_IN,
    NONSENSE,
    OF_HOOKS,
    Door,
    Line,
    doors_of_json,
    remote,
    rest,
    same,
    socket,
    written_down,
)
from tests.realtime.wire import wired
from tests.rpc.words import channel_to

Expected = Callable[[Line], str]

LINES = [line for line in written_down() if line["action"] != OF_HOOKS]
WITH_ADDRESS = {route.action.method for route in load_routes(BUILT_IN)}


@pytest.fixture(scope="module")
async def node(start: Start) -> AsyncIterator[Node]:
    async with start(grpc_port=0, grpc_calls_per_s=10_000) as started:
        yield started


def test_the_page_says_what_the_actions_declare() -> None:
    assert PAGE.read_text() == page(ours()), "Run `python scripts/permissions.py`."


@pytest.mark.parametrize("action", ours(), ids=lambda action: action.method)
def test_every_action_of_ours_declares_on_what_the_caller_may_act(action: Action[Any, Any]) -> None:
    assert action.reach is not None, "Say reach=… in its declaration, and write the page anew."


async def test_who_has_not_signed_in(visitor: httpx.AsyncClient) -> None:
    def expected(line: Line) -> str:
        return LET_IN if line["visitor"] == "yes" else "not_signed_in"

    await check([rest(visitor)], expected_of=expected)
    for line in LINES:  # an address that takes no cookie asks who it is before it looks what is asked for
        assert await doors_of_json(visitor).attempt(line["action"]) == "not_signed_in"


async def test_a_member(node: Node, ada: Member) -> None:
    def expected(line: Line) -> str:
        return LET_IN if line["member"] == "yes" else "forbidden"

    await check_at_all_doors(node, ada, expected)


async def test_an_admin(node: Node, admin: Member) -> None:
    def expected(line: Line) -> str:
        return LET_IN if line["admin"] == "yes" else "forbidden"

    await check_at_all_doors(node, admin, expected)


async def test_a_bot(node: Node, admin: Member) -> None:
    def expected(line: Line) -> str:
        if line["bot"] == "yes":
            return LET_IN
        return "insufficient_scope" if line["token"] == "no" else "forbidden"

    async with enrol_bot(admin, "Clerk") as bot:
        await check_at_all_doors(node, bot, expected)


async def test_a_token_that_may_do_everything_its_owner_may(node: Node, admin: Member) -> None:
    def expected(line: Line) -> str:
        return "insufficient_scope" if line["token"] == "no" else LET_IN

    async with token_of(admin, "all") as http:
        await check([rest(http), doors_of_json(http)], expected_of=expected)


async def test_a_token_may_do_what_its_scopes_name_and_nothing_else(node: Node, admin: Member) -> None:
    named = [line["action"] for line in LINES if line["doors"] == "all"][::2]

    def expected(line: Line) -> str:
        if line["visitor"] == "yes":
            return LET_IN
        return LET_IN if line["action"] in named and line["token"] == "yes" else "insufficient_scope"

    async with token_of(admin, *named) as http:
        await check([rest(http), doors_of_json(http)], expected_of=expected)


async def test_the_scope_of_a_module_is_for_all_its_actions(admin: Member) -> None:
    def expected(line: Line) -> str:
        if line["visitor"] == "yes":
            return LET_IN
        return LET_IN if line["action"].startswith(("rooms.", "webhooks.")) else "insufficient_scope"

    async with token_of(admin, "rooms", "webhooks") as http:
        await check([rest(http), doors_of_json(http)], expected_of=expected)


async def test_a_sign_in_that_is_old(node: Node, admin: Member, database: "asyncpg.Connection[asyncpg.Record]") -> None:
    long_ago = "UPDATE sessions SET confirmed_at = now() - interval '1 year' WHERE user_id = $1"
    await database.execute(long_ago, admin.id)

    def expected(line: Line) -> str:
        return "reauth_required" if line["fresh"] == "yes" else LET_IN

    await check_at_all_doors(node, admin, expected)


async def test_a_member_who_must_enrol_first(start: Start) -> None:
    def expected(line: Line) -> str:
        if line["before enrolling"] == "yes":
            return LET_IN
        return "second_factor_required"

    async with start(second_factor="all") as strict, enrol(strict, "New") as new:
        await check([rest(new.http), doors_of_json(new.http)], expected_of=expected)


async def test_whose_session_has_ended(node: Node, ada: Member, admin: Member) -> None:
    await admin.http.post(f"/api/v1.0/accounts/{ada.id}/disable")

    def expected(line: Line) -> str:
        return LET_IN if line["visitor"] == "yes" else "not_signed_in"

    await check([rest(ada.http)], expected_of=expected)
    async with channel_to(node) as channel:
        door = remote(node, channel, ada.token)
        assert {await door.attempt(line["action"]) for line in LINES} == {"not_signed_in"}


async def test_a_token_that_was_never_made(node: Node) -> None:
    def expected(line: Line) -> str:
        return LET_IN if line["visitor"] == "yes" else "not_signed_in"

    async with visiting(node, "fmt_" + "x" * 51) as http:
        await check([rest(http)], expected_of=expected)


async def test_the_operator_acts_as_an_admin(node: Node) -> None:
    for action in ours():
        line = next(line for line in written_down() if line["action"] == action.method)
        if line["operator"] == "yes":
            with pytest.raises(Error) as refused:
                await action.perform(Call(node.core, OPERATOR), NONSENSE)
            assert refused.value.code == LET_IN, action.method


async def check_at_all_doors(node: Node, somebody: Member, expected: Expected) -> None:
    async with wired(node.port, somebody.token) as wire, channel_to(node) as channel:
        doors = [
            rest(somebody.http),
            doors_of_json(somebody.http),
            socket(wire),
            remote(node, channel, somebody.token),
        ]
        await check(doors, expected_of=expected)


async def check(doors: Sequence[Door], *, expected_of: Expected) -> None:
    """Tries every action that has these doors."""
    wrong = []
    for line in LINES:
        for door in doors:
            expected = expected_of(line)
            if door.name != "REST" and line["doors"] != "all":
                expected = "unknown_method"
            if door.name == "REST" and line["action"] not in WITH_ADDRESS:
                continue
            found = await door.attempt(line["action"])
            if not same(door, found, expected):
                wrong.append(f"{line['action']} by {door.name}: {found} instead of {expected}")
    assert not wrong, "\n".join(wrong)
