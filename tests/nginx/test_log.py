"""What nginx writes down of a request: one line in the fields of the server's own log, and nothing secret."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect

from folkmoot.telemetry.clean import path_without_secrets
from tests.nginx.behind import behind
from tests.nginx.front import Front, front
from tests.nginx.raw import exchange
from tests.people import Browser, Member
from tests.ports import free_port

CANARY = "fmp_C4naryC4naryC4naryC4naryC4naryC4naryC4n"
SAID_IN = [
    "/api/v1.0/rooms?token={}",
    "/ws?token={}",
    "/connection/websocket?ticket={}",
    "/?{}",
    "/nothing.js?x={}",
    "/api/v1.0/hooks/{}",
    "/api/v1.0/hooks/{}/more",
    "/api/v1.0/hooks%2F{}",
    "/api/v1.0/tokens/{}",
    "/api/v1.0/tokens/{}/more?x={}",
    "/{}",
    "/rooms/{}.js",
    "/api/v1.0/nothing#{}",
    "/assets/{}",
    "/db?password={}",
    "//api?{}",
]


async def test_no_line_holds_a_query_or_a_token(entrance: Front, ada: Member, browser: Browser, tmp_path: Path) -> None:
    """Through every door, in the address, the query and the headers; also while nothing answers."""
    secrets = [CANARY, ada.token, browser.token]
    nobody = f"127.0.0.1:{free_port()}"
    async with front(tmp_path, API_UPSTREAM=nobody, WS_UPSTREAM=nobody, RATE="1", RATE_BURST="20") as alone:
        for running in (entrance, alone):
            for secret in secrets:
                headers = {
                    "Authorization": f"Bearer {secret}",
                    "Cookie": f"sid={secret}",
                    "Referer": f"http://a/?{secret}",
                }
                for path in SAID_IN:
                    target = path.replace("{}", secret)
                    for method in ("GET", "POST"):
                        await running.http.request(method, target, headers=headers | {"User-Agent": secret})
                    head = f"GET {target} HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n"
                    await exchange(running.port, head)
        async with connect(f"ws://127.0.0.1:{entrance.port}/ws?token={ada.token}", proxy=None) as socket:
            await socket.send("/out")
        await entrance.logged("/ws")
        for running in (entrance, alone):
            assert len(running.requests) > 100
            said = running.said
            assert not any(secret in said for secret in secrets)
            assert not any("?" in line["url.path"] for line in running.requests)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1.0/rooms/7/messages",
        f"/api/v1.0/messages/{uuid4()}",
        f"/api/v1.0/messages/{uuid4()}/reactions",
        "/api/v1.0/hooks/short",
        "/api/v1.0/tokens/" + "x" * 22,
        "/api/v1.0/tokens/" + "x" * 21,
        "/api/v1.0/tokens/" + "x" * 30 + "/more",
        "/assets/index-CYst2ieM.js",
        "/settings/notifications",
    ],
)
async def test_paths_are_shown_as_the_server_shows_them(entrance: Front, path: str) -> None:
    await entrance.http.get(f"{path}?secret=1")
    assert (await entrance.logged(path_without_secrets(path)))["http.request.method"] == "GET"


async def test_a_line_has_the_fields_of_the_server(entrance: Front) -> None:
    answer = await entrance.http.get("/api/v1.0/nothing-of-the-kind")
    line = await entrance.logged("/api/v1.0/nothing-of-the-kind")
    assert line["event.dataset"] == "folkmoot"  # by which deploy/filebeat knows it
    assert line["service.name"] == "folkmoot-nginx"
    assert line["http.request.id"] == answer.headers["x-request-id"] == answer.json()["request_id"]
    assert line["http.response.status_code"] == 404
    assert line["http.version"] == "1.1"
    assert line["client.ip"] == "127.0.0.1"
    assert isinstance(line["event.duration"], int)
    assert line["nginx.upstream.status"] == "404"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", line["@timestamp"])


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("full", ["203.0.113.9", "2001:db8:1:2::5", "2001:db8::5", "::1"]),
        ("network", ["203.0.113.0", "2001:db8:1::", "2001:db8::", "::"]),
        ("none", [None] * 4),
    ],
)
async def test_addresses_may_be_left_out(tmp_path: Path, kept: str, shown: list[str | None]) -> None:
    variables = {"LOG_ADDRESSES": kept, "TRUSTED_PROXIES": "127.0.0.1"}
    async with behind() as server, front(tmp_path, API_UPSTREAM=server.address, **variables) as running:
        for number, address in enumerate(("203.0.113.9", "2001:db8:1:2::5", "2001:db8::5", "::1")):
            await running.http.get(f"/api/{number}", headers={"X-Forwarded-For": address})
            assert (await running.logged(f"/api/{number}")).get("client.ip") == shown[number]


async def test_a_refused_request_is_shown_as_it_came(entrance: Front) -> None:
    assert (await entrance.http.delete("/rooms/of/nobody")).status_code == 405
    line = await entrance.logged("/rooms/of/nobody")
    assert (line["http.request.method"], line["http.response.status_code"]) == ("DELETE", 405)


async def test_what_pretends_to_be_another_line_is_one(entrance: Front) -> None:
    (answer,) = await exchange(
        entrance.port, b'GET /api/"a\\b\xff\xc3 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n'
    )
    assert answer.status == 400
    await entrance.logged("[unreadable]")
