"""One line for each request, and in no line a secret."""

import httpx
import pytest

from tests.people import PASSWORD, Browser, Member

CANARY = "canary-Zm9sa21vb3QgdGVzdCBjYW5hcnkgdG9rZW4"


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> "Lines":
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
    for part in ("/api/v1.0/rooms", "GET", "401", answer.headers["x-request-id"], "duration_s"):
        assert part in logged
    assert logged.count("duration_s") == 1
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
    assert logged.count("duration_s") > 20, "for this test to mean anything, requests must be logged"
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


async def test_a_path_cannot_forge_a_line(visitor: httpx.AsyncClient, lines: Lines) -> None:
    await visitor.get("/nope%0a2026-01-01%20[info]%20forged%1b[2J")
    logged = lines.read()
    assert "forged" in logged
    assert "\n2026-01-01" not in logged
    assert "\x1b[2J" not in logged
