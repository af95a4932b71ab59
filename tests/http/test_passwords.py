"""Signing in hashes: the same work for everybody, and old hashes are rewritten."""

import asyncio
import base64
import hashlib
import time
from statistics import median
from uuid import uuid4

import httpx
import pytest
from argon2 import PasswordHasher

from folkmoot.app import Node
from folkmoot.database import Connection
from folkmoot.modules.accounts import passwords
from tests.people import PASSWORD, Member, assert_problem

AUTH = "/api/v1.0/user/auth"


def pbkdf2(password: str, *, rounds: int = 29_000, salt: bytes = b"sixteen bytes ok") -> str:
    """A hash as passlib writes it: the format of accounts that are older than us."""

    def shown(data: bytes) -> str:
        return base64.b64encode(data).decode().rstrip("=").replace("+", ".")

    checksum = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    return f"$pbkdf2-sha256${rounds}${shown(salt)}${shown(checksum)}"


async def stored(database: Connection, member: Member) -> str:
    return str(await database.fetchval("SELECT password FROM users WHERE id = $1", member.id))


async def store(database: Connection, member: Member, password: str) -> None:
    await database.execute("UPDATE users SET password = $2 WHERE id = $1", member.id, password)


async def test_passwords_are_kept_as_argon2id_with_the_parameters_of_owasp(
    admin: Member, visitor: httpx.AsyncClient, database: Connection
) -> None:
    given = {"email": f"eve-{uuid4().hex}@example.org", "name": "Eve", "password": PASSWORD}
    assert (await admin.http.post("/api/v1.0/accounts", json=given)).status_code == 201
    kept = await database.fetchval("SELECT password FROM users WHERE email = $1", given["email"])
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await visitor.post(AUTH, json={"email": given["email"], "password": PASSWORD})).status_code == 200


@pytest.mark.parametrize("rounds", [1, 29_000])
async def test_an_old_pbkdf2_hash_signs_in_once_and_is_rewritten(
    visitor: httpx.AsyncClient, ada: Member, database: Connection, rounds: int
) -> None:
    await store(database, ada, pbkdf2("old but gold", rounds=rounds))
    given = {"email": ada.email, "password": "old but gold"}
    assert (await visitor.post(AUTH, json=given)).status_code == 200
    assert (await stored(database, ada)).startswith("$argon2id$")
    assert (await visitor.post(AUTH, json=given)).status_code == 200
    assert_problem(await visitor.post(AUTH, json={**given, "password": PASSWORD}), 401, "wrong_credentials")


async def test_a_wrong_password_leaves_an_old_hash_alone(
    visitor: httpx.AsyncClient, ada: Member, database: Connection
) -> None:
    await store(database, ada, old := pbkdf2("old but gold"))
    answer = await visitor.post(AUTH, json={"email": ada.email, "password": "new but not hers"})
    assert_problem(answer, 401, "wrong_credentials")
    assert await stored(database, ada) == old


async def test_a_hash_with_weaker_parameters_is_rewritten(
    visitor: httpx.AsyncClient, ada: Member, database: Connection
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await store(database, ada, weak)
    assert (await visitor.post(AUTH, json={"email": ada.email, "password": PASSWORD})).status_code == 200
    assert "m=19456,t=2,p=1" in await stored(database, ada)


@pytest.mark.parametrize("damaged", ["", "plain text", "$argon2id$", "$pbkdf2-sha256$", "$pbkdf2-sha256$x$y$z"])
async def test_a_damaged_hash_lets_nobody_in_and_breaks_nothing(
    visitor: httpx.AsyncClient, ada: Member, database: Connection, damaged: str
) -> None:
    await store(database, ada, damaged)
    for password in (PASSWORD, damaged + "    "):
        answer = await visitor.post(AUTH, json={"email": ada.email, "password": password})
        assert_problem(answer, 401, "wrong_credentials")


async def test_an_unknown_account_costs_one_hash_like_a_known_one(
    node: Node, visitor: httpx.AsyncClient, ada: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    fits = passwords._fits

    def counted(stored: str, password: str) -> bool:
        checked.append(stored)
        return fits(stored, password)

    monkeypatch.setattr(passwords, "_fits", counted)
    for email in (ada.email, "nobody@example.org"):
        await visitor.post(AUTH, json={"email": email, "password": "not hers at all"})
    hers, dummy = checked
    assert hers != dummy
    assert hers.split("$")[:4] == dummy.split("$")[:4], "the same algorithm and parameters"


async def test_an_unknown_account_takes_as_long_as_a_known_one(visitor: httpx.AsyncClient, ada: Member) -> None:
    took: dict[str, list[float]] = {ada.email: [], "nobody@example.org": []}
    for _ in range(15):
        for email, times in took.items():
            began = time.perf_counter()
            await visitor.post(AUTH, json={"email": email, "password": "not hers at all"})
            times.append(time.perf_counter() - began)
    known, unknown = (median(times) for times in took.values())
    assert 0.5 < known / unknown < 2.0, "it was a factor of 20 once"
    assert min(known, unknown) > 0.005, "there was a hash to compute"


async def test_hashing_does_not_hold_up_other_requests(visitor: httpx.AsyncClient, ada: Member) -> None:
    signing_in = [
        asyncio.ensure_future(visitor.post(AUTH, json={"email": ada.email, "password": "not hers at all"}))
        for _ in range(10)
    ]
    answered_first = await asyncio.gather(visitor.get("/healthz"), visitor.get("/healthz"))
    assert all(answer.status_code == 200 for answer in answered_first)
    assert not all(task.done() for task in signing_in), "the hashes still wait for a thread"
    await asyncio.gather(*signing_in)


async def test_several_who_sign_in_at_once_while_a_hash_is_rewritten_all_stay_signed_in(
    visitor: httpx.AsyncClient, ada: Member, database: Connection
) -> None:
    await store(database, ada, pbkdf2("old but gold"))
    given = {"email": ada.email, "password": "old but gold"}
    answers = await asyncio.gather(*(visitor.post(AUTH, json=given) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    tokens = [answer.json()["data"]["access_token"] for answer in answers] + [ada.token]
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}"}
        assert (await visitor.get("/api/v1.0/session", headers=headers)).status_code == 200


@pytest.mark.parametrize("user_agent", [b"caf\xe9", b"a\x01b", b"\xff" * 400, "Zeitung \u2603".encode()])
async def test_any_user_agent_signs_in(visitor: httpx.AsyncClient, ada: Member, user_agent: bytes) -> None:
    headers = [(b"User-Agent", user_agent)]
    answer = await visitor.post(AUTH, json={"email": ada.email, "password": PASSWORD}, headers=headers)
    assert answer.status_code == 200
