"""Many at once, and input made to be slow: nobody gets another's answer, and nobody waits for a trick."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from folkmoot.app import Node
from tests.people import Member, assert_problem, enrol

MEMBERS, REQUESTS = 20, 5
DEEP = 10_000
PATIENCE_S = 30.0  # a trick that works takes much longer, and nothing else does on the slowest machine


async def test_everybody_gets_their_own_answer(node: Node) -> None:
    async with AsyncExitStack() as stack:
        members = [await stack.enter_async_context(enrol(node, f"Member {number}")) for number in range(MEMBERS)]

        async def ask(member: Member) -> None:
            for path in ["session", "people", "session", "rooms"] * REQUESTS:
                answer = await member.http.get(f"/api/v1.0/{path}")
                if path == "session":
                    assert answer.json()["user"]["id"] == member.id

        await asyncio.gather(*(ask(member) for member in members))


@pytest.mark.parametrize(
    "body",
    [
        b'{"body": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b"[" * DEEP,
        b'{"body": ' + b"9" * 60_000 + b"}",
        b'{"body": "x", "client_id": "' + b"a" * 60_000 + b'"}',
    ],
    ids=["deep lists", "deep objects", "lists without an end", "a long number", "a long id"],
)
async def test_json_made_to_be_slow_is_refused_at_once(ada: Member, body: bytes) -> None:
    room = await ada.make_room()
    headers = {"Content-Type": "application/json"}
    async with asyncio.timeout(PATIENCE_S):
        answer = await ada.http.post(f"/api/v1.0/rooms/{room}/messages", content=body, headers=headers)
    assert answer.json()["code"] in ("malformed", "invalid")
    assert_problem(answer, 400, answer.json()["code"])
