"""What somebody would find who reads the database, Redis, and the logs: no token, and no password."""

from collections.abc import AsyncIterator

import httpx
from redis.asyncio import Redis

from folkmoot.database import Connection
from folkmoot.modules.sessions.tokens import hash_token
from tests.people import PASSWORD, Browser, Member


async def dump(database: Connection, redis: Redis) -> str:
    """Every row of every table, and every key and value of Redis, as text."""
    tables = await database.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    rows = [
        str(row[0])
        for table in tables
        for row in await database.fetch(f'SELECT t::text FROM "{table["table_name"]}" t')  # noqa: S608 - our tables
    ]
    return "\n".join([*rows, *[entry async for entry in _entries(redis)]])


async def _entries(redis: Redis) -> AsyncIterator[str]:
    async for key in redis.scan_iter():
        kind = await redis.type(key)
        value: object = None
        if kind == b"string":
            value = await redis.get(key)
        elif kind == b"hash":
            value = await redis.hgetall(key)
        elif kind in (b"set", b"zset"):
            value = await (redis.smembers(key) if kind == b"set" else redis.zrange(key, 0, -1))
        yield f"{key!r} {value!r}"


async def test_tokens_and_passwords_are_kept_nowhere(
    visitor: httpx.AsyncClient, ada: Member, browser: Browser, database: Connection, redis: Redis
) -> None:
    answer = await visitor.post("/api/v1.0/user/auth", json={"email": ada.email, "password": PASSWORD})
    program = answer.json()["data"]["access_token"]
    ticket = (await ada.http.post("/api/v1.0/tickets")).json()["ticket"]
    for token in (ada.token, program):
        await visitor.get("/api/v1.0/session", headers={"Authorization": f"Bearer {token}"})
    await browser.http.get("/api/v1.0/session")

    found = await dump(database, redis)
    for token in (ada.token, program, browser.token):
        assert hash_token(token).hex() in found, "for this test to mean anything, the dump must show sessions"
    for secret in (ada.token, program, browser.token, ticket, PASSWORD):
        assert secret not in found
        assert secret.encode().hex() not in found


async def test_no_answer_about_people_or_sessions_holds_a_hash(ada: Member, admin: Member) -> None:
    for answer in (
        await ada.http.get("/api/v1.0/session"),
        await ada.http.get("/api/v1.0/sessions"),
        await ada.http.get("/api/v1.0/people"),
        await admin.http.get("/api/v1.0/accounts"),
    ):
        assert answer.status_code == 200
        said = answer.text.replace('"made_with":["password"]', "")  # how somebody signed in is no secret
        for secret in ("argon2", hash_token(ada.token).hex(), "token", "password", "hash"):
            assert secret not in said


async def test_the_address_list_is_for_admins(ada: Member, bob: Member) -> None:
    answer = await ada.http.get("/api/v1.0/people")
    assert {"id": bob.id, "name": "Bob"} in answer.json()["people"]
    assert bob.email not in answer.text
