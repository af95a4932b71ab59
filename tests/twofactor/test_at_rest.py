"""What somebody would find who reads the database, Redis, and the logs: no secret, and no code."""

import base64

import httpx
import pytest
from redis.asyncio import Redis

from folkmoot.app import Node
from folkmoot.database import Connection
from folkmoot.modules.sessions.tokens import hash_token
from folkmoot.telemetry.clean import path_without_secrets
from tests.http.test_tokens_at_rest import dump
from tests.people import assert_problem
from tests.twofactor.phone import Careful, challenge_of


def shapes(secret: bytes) -> list[str]:
    """How bytes look in a dump."""
    return [secret.hex(), repr(secret)[2:-1], base64.b32encode(secret).decode(), base64.b64encode(secret).decode()]


async def test_secrets_codes_and_challenges_are_kept_nowhere(
    node: Node, careful: Careful, visitor: httpx.AsyncClient, database: Connection, redis: Redis
) -> None:
    challenge = await challenge_of(node, careful.member.email)
    wrong = await visitor.post("/api/v1.0/user/auth/code", json={"challenge": challenge, "code": "aaaa-aaaa"})
    assert_problem(wrong, 403, "wrong_code")
    assert (await careful.http.get(f"/api/v1.0/totp/check/{careful.phone.code()}")).json() == {"status": True}
    found = await dump(database, redis)
    assert hash_token(challenge).hex() in found, "for this test to mean anything, the dump must show challenges"
    row = await database.fetchrow("SELECT key_id, secret FROM totp WHERE user_id = $1", careful.member.id)
    assert row is not None
    assert row["key_id"] == "k1"
    assert row["secret"].hex() in found
    for secret in [careful.member.token, challenge, *careful.recovery_codes]:
        assert secret not in found
        assert secret.replace("-", "").upper() not in found
        assert secret.encode().hex() not in found
    for shape in shapes(base64.b32decode(careful.phone.secret)) + shapes(b"1" * 32):
        assert shape not in found


async def test_an_identical_secret_is_locked_in_another_way_for_each(careful: Careful, database: Connection) -> None:
    rows = await database.fetch("SELECT secret FROM totp")
    assert {len(row["secret"]) for row in rows} == {12 + 20 + 16}, "nonce, secret and tag"
    assert len({row["secret"][:12] for row in rows}) == len(rows), "a nonce is never used again"


@pytest.mark.parametrize("code", ["123456", "abcd-efgh-ijkl-mnop-qrst-uvwx", "a/b", "1"])
def test_a_code_in_an_address_is_no_line_of_a_log(code: str) -> None:
    for prefix in ("", "/api"):
        assert path_without_secrets(f"{prefix}/v1.0/totp/check/{code}") == f"{prefix}/v1.0/totp/check/[redacted]"


async def test_nothing_of_it_is_logged(node: Node, careful: Careful, capsys: pytest.CaptureFixture[str]) -> None:
    challenge, code = await challenge_of(node, careful.member.email), careful.phone.code()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", trust_env=False) as http:
        wrong = {"challenge": challenge, "code": careful.recovery_codes[1]}
        assert_problem(await http.post("/api/v1.0/session/code", json=wrong), 401, "challenge_over")
        given = {"challenge": challenge, "code": careful.recovery_codes[0]}
        assert (await http.post("/api/v1.0/user/auth/code", json=given)).status_code == 200
    assert (await careful.http.get(f"/api/v1.0/totp/check/{code}")).json() == {"status": True}
    printed = "".join(capsys.readouterr())
    assert "/totp/check/[redacted]" in printed, "for this test to mean anything, requests must be logged"
    for secret in (challenge, code, careful.recovery_codes[0], careful.recovery_codes[1], careful.phone.secret):
        assert secret not in printed
