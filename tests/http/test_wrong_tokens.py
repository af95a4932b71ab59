"""A token that is wrong, has expired or was revoked is told so at every door; no token at all is told to sign in."""

from collections.abc import AsyncIterator

import asyncpg
import grpc
import httpx
import pytest
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from folkmoot.app import Node
from folkmoot.modules.sessions.tokens import hash_token
from tests.conftest import Start
from tests.people import Browser, Member, assert_problem, enrol, visiting
from tests.realtime.test_gate import OURS
from tests.realtime.wire import Wire, wired
from tests.rpc.words import Program, channel_to

SAYS = "This token is wrong, has expired or was revoked."
ENDED = "Your sign-in has ended. Sign in again."


@pytest.fixture(scope="module")
async def node(start: Start) -> AsyncIterator[Node]:
    async with start(grpc_port=0) as started:
        yield started


@pytest.fixture
async def ada(node: Node) -> AsyncIterator[Member]:
    async with enrol(node, "Ada") as member:
        yield member


async def wrong(ada: Member, database: "asyncpg.Connection[asyncpg.Record]", redis: Redis) -> str:
    return "x" * 43


async def mistyped(ada: Member, database: "asyncpg.Connection[asyncpg.Record]", redis: Redis) -> str:
    made = await ada.http.post("/api/v1.0/tokens", json={"name": "Its checksum is wrong", "scopes": ["all"]})
    return str(made.json()["token"])[:-1] + "-"


async def expired(ada: Member, database: "asyncpg.Connection[asyncpg.Record]", redis: Redis) -> str:
    await database.execute(
        "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE token_hash = $1", hash_token(ada.token)
    )
    await redis.delete(f"folkmoot:session:{hash_token(ada.token).hex()}")
    return ada.token


async def revoked(ada: Member, database: "asyncpg.Connection[asyncpg.Record]", redis: Redis) -> str:
    made = (await ada.http.post("/api/v1.0/tokens", json={"name": "Its end comes", "scopes": ["all"]})).json()
    async with visiting(ada.node, made["token"]) as http:
        assert (await http.get("/api/v1.0/rooms")).status_code == 200
    assert (await ada.http.delete(f"/api/v1.0/tokens/{made['about']['id']}")).status_code == 204
    return str(made["token"])


async def signed_out(ada: Member, database: "asyncpg.Connection[asyncpg.Record]", redis: Redis) -> str:
    assert (await ada.http.delete("/api/v1.0/session")).status_code == 204
    return ada.token


@pytest.mark.parametrize("spoil", [wrong, mistyped, expired, revoked, signed_out])
async def test_it_is_told_so_at_every_door(
    node: Node, ada: Member, database: "asyncpg.Connection[asyncpg.Record]", redis: Redis, spoil: object
) -> None:
    token = await spoil(ada, database, redis)  # type: ignore[operator]
    async with visiting(node, token) as http:
        for answer in (await http.get("/api/v1.0/rooms"), await http.post("/api/v1.0/actions/rooms/mine", json={})):
            assert assert_problem(answer, 401, "not_signed_in")["detail"] == SAYS
    async with channel_to(node) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await Program(channel, token).call("rooms", "mine")
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, SAYS)
    async with wired(node.port) as wire:
        await wire.say({"id": 1, "connect": {"token": token}})
        assert await wire.expect_close() == 3500
        assert wire.socket.close_reason == "invalid token"


async def test_no_token_is_told_to_sign_in(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/api/v1.0/rooms")
    assert assert_problem(answer, 401, "not_signed_in")["detail"] == "Sign in first."


async def test_a_browser_is_told_in_words_for_people(node: Node, browser: Browser, ada: Member) -> None:
    async with visiting(node) as http:
        cookie = {"Cookie": f"sid={browser.token}"}
        assert (await browser.http.delete("/api/v1.0/session")).status_code == 204
        answer = await http.get("/api/v1.0/session", headers=cookie)
        assert assert_problem(answer, 401, "not_signed_in")["detail"] == ENDED
        with pytest.raises(InvalidStatus) as refused:
            await Wire.open(node.port, headers=cookie, origin=OURS)
    assert refused.value.response.status_code == 401
    assert ENDED.encode() in refused.value.response.body
