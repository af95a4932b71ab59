"""One line for each request, and in no line a secret."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from folkmoot.telemetry.logs import configure_logs
from tests.people import PASSWORD, Browser, Member

CANARY = "canary-Zm9sa21vb3QgdGVzdCBjYW5hcnkgdG9rZW4"


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Iterator["Lines"]:
    """What is logged from here on, as the product logs it: every level, in JSON."""
    return Lines(capfd)


class Lines:
    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd
        self._capfd.readouterr()

    def read(self) -> str:
        return "".join(self._capfd.readouterr())


async def test_a_line_says_what_was_asked_how_it_ended_and_how_long_it_took(
    visitor: httpx.AsyncClient, lines: Lines
) -> None:
    answer = await visitor.get("/api/v1.0/rooms?limit=1")
    logged = lines.read()
    for part in ("/api/v1.0/rooms", "GET", "401", answer.headers["x-request-id"], "duration_ms"):
        assert part in logged
    assert logged.count("duration_ms") == 1
    assert "limit" not in logged


async def test_no_line_holds_a_token_or_a_query(
    visitor: httpx.AsyncClient, ada: Member, browser: Browser, lines: Lines
) -> None:
    ticket = (await ada.http.post("/api/v1.0/tickets")).json()["ticket"]
    room = await ada.make_room()
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    for path in ("/ws", "/api/v1.0/rooms", "/nope", "/api", "/healthz", f"/api/v1.0/rooms/{room}/events", "/%ff"):
        await visitor.get(f"{path}?token={CANARY}")
        await ada.http.get(f"{path}?token={CANARY}")
        await visitor.get(path, headers={"Authorization": f"Bearer {CANARY}", "Cookie": f"sid={CANARY}"})
    await visitor.get(f"/ws?token={CANARY}", headers={**upgrade, "Origin": "https://evil.example"})
    for body in (f'{{"email": "{CANARY}@example.org", "password": "{CANARY}"}}', f'{{"password": "{CANARY}"'):
        for path in ("/api/v1.0/session", "/api/v1.0/user/auth"):
            await visitor.post(path, content=body, headers={"Content-Type": "application/json"})
    await ada.say(room, CANARY)
    await browser.http.get("/api/v1.0/session")
    logged = lines.read()
    assert logged.count("duration_ms") > 20, "for this test to mean anything, requests must be logged"
    for secret in (CANARY, ada.token, browser.token, ticket, PASSWORD, "token="):
        assert secret not in logged


async def test_a_fault_is_logged_under_the_id_that_the_client_was_told(
    ada: Member, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    from folkmoot.modules.rooms import store

    async def fault(*_: object) -> None:
        raise RuntimeError("what went wrong")

    monkeypatch.setattr(store, "of_user", fault)
    answer = await ada.http.get("/api/v1.0/rooms")
    logged = lines.read()
    assert answer.status_code == 500
    assert answer.json()["request_id"] in logged
    assert "what went wrong" in logged


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_fault_writes_no_secret_that_was_in_its_hands_into_the_log(style: str) -> None:
    code = (
        "import structlog; from folkmoot.telemetry.logs import configure_logs;"
        f"configure_logs('info', '{style}')\n"
        "def sign_in(password, token):\n    raise RuntimeError('what went wrong')\n"
        "try: sign_in(*[word[::-1] for word in ('drowssap-yranac', 'nekot-yranac')])\n"
        "except RuntimeError: structlog.get_logger('x').exception('fault')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "what went wrong" in done.stderr
    assert "sign_in" in done.stderr
    assert "canary-password" not in done.stderr
    assert "canary-token" not in done.stderr


async def test_a_path_cannot_forge_a_line(visitor: httpx.AsyncClient, lines: Lines) -> None:
    await visitor.get("/nope%0a2026-01-01%20[info]%20forged%1b[2J")
    logged = lines.read()
    assert "forged" in logged
    assert "\n2026-01-01" not in logged
    assert "\x1b[2J" not in logged


def test_json_lines_are_json_whoever_writes_them() -> None:
    code = (
        "import logging, structlog; from folkmoot.telemetry.logs import configure_logs;"
        "configure_logs('info', 'json', environment='test');"
        "structlog.get_logger('x').info('one', number=1, text='a\\nb'); logging.getLogger('y').warning('two %s', 2);"
        "structlog.get_logger('x').debug('hidden')\n"
        "try: 1 / 0\nexcept ZeroDivisionError: structlog.get_logger('x').exception('three')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, third = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["number"], first["text"], first["level"]) == ("one", 1, "a\nb", "info")
    assert (second["event"], second["level"]) == ("two 2", "warning")
    assert third["event"] == "three"
    assert "division by zero" in json.dumps(third)
    assert first["environment"] == second["environment"] == "test"
    assert first["timestamp"].endswith("Z")


def test_sanic_keeps_its_own_lines_to_itself() -> None:
    assert Path(configure_logs.__code__.co_filename).name == "logs.py"
    assert logging.getLogger("sanic.access").handlers == []
