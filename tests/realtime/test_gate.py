"""Who may open a socket: cookies, origins, tickets."""

import asyncio
import logging
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest
import structlog
from websockets.exceptions import InvalidStatus

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import PASSWORD, Member, visiting
from tests.realtime.wire import Wire, wired

OURS = "http://folkmoot.test"


async def sign_in_browser(node: Node, member: Member) -> str:
    """The cookie of a browser that signed in, as it stands in a request."""
    async with visiting(node) as browser:
        answer = await browser.post(
            "/api/v1.0/session",
            json={"email": member.email, "password": PASSWORD},
            headers={"X-Requested-With": "folkmoot", "Origin": OURS},
        )
    assert answer.status_code == 200, answer.text
    (cookie,) = (one for one in answer.headers.get_list("set-cookie") if one.startswith("sid="))
    (morsel,) = SimpleCookie(cookie).values()
    return f"{morsel.key}={morsel.value}"


async def handshake_status(node: Node, *, origin: str | None = None, cookie: str = "", path: str = "/ws") -> int:
    """What a handshake is answered with; 101 is welcome."""
    try:
        wire = await Wire.open(node.port, path, headers={"Cookie": cookie} if cookie else {}, origin=origin)
    except InvalidStatus as refused:
        return refused.response.status_code
    await wire.leave()
    return 101


async def test_a_cookie_from_our_own_page_signs_in(node: Node, ada: Member) -> None:
    room_id = await ada.make_room()
    cookie = await sign_in_browser(node, ada)
    async with wired(node.port, headers={"Cookie": cookie}, origin=OURS) as wire:
        result = await wire.connect()
        assert f"room:{room_id}" in result["subs"]
        assert "expires" not in result
        await wire.post(room_id, "from a browser")


async def test_a_cookie_among_others_is_found(node: Node, ada: Member) -> None:
    cookie = f'theme=dark; {await sign_in_browser(node, ada)}; xsid=1; sid2="2"'
    async with wired(node.port, headers={"Cookie": cookie}, origin=OURS) as wire:
        await wire.connect()


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://folkmoot.test.evil.example",
        "http://evil-folkmoot.test",
        "http://evil.folkmoot.test",
        "https://folkmoot.test",
        "http://folkmoot.test:81",
        "http://folkmoot.test:80",
        "http://FOLKMOOT.test",
        "HTTP://folkmoot.test",
        "http://folkmoot.test/",
        "http://folkmoot.test ,http://evil.example",
        "http://user@folkmoot.test",
        "file://",
        "ws://folkmoot.test",
        "http://folkmoot.test\u00a0",
    ],
)
async def test_a_page_from_elsewhere_gets_no_socket(node: Node, ada: Member, origin: str) -> None:
    cookie = await sign_in_browser(node, ada)
    assert await handshake_status(node, origin=origin, cookie=cookie) == 403
    assert await handshake_status(node, origin=origin) == 403
    assert await handshake_status(node, origin=origin, path=f"/ws?token={ada.token}") == 403


async def test_an_origin_the_operator_names_may_connect(start: Start) -> None:
    async with start(origins=("https://other.example",)) as node:
        assert await handshake_status(node, origin="https://other.example") == 101
        assert await handshake_status(node, origin=OURS) == 101
        assert await handshake_status(node, origin="https://another.example") == 403


async def test_a_cookie_without_an_origin_is_nobody(node: Node, ada: Member) -> None:
    """Only browsers send cookies by themselves, and they say where the page is from."""
    cookie = await sign_in_browser(node, ada)
    async with wired(node.port, headers={"Cookie": cookie}) as wire:
        await wire.say({"id": 1, "connect": {}})
        assert await wire.expect_close() == 3500


async def test_a_cookie_that_is_no_session_any_more_is_refused_before_the_socket_opens(node: Node, ada: Member) -> None:
    assert await handshake_status(node, origin=OURS, cookie="sid=nothing") == 401
    assert await handshake_status(node, origin=OURS, cookie="sid=") == 401
    cookie = await sign_in_browser(node, ada)
    assert await handshake_status(node, origin=OURS, cookie=cookie) == 101
    async with visiting(node) as browser:
        own_page = {"X-Requested-With": "folkmoot", "Origin": OURS, "Cookie": cookie}
        assert (await browser.delete("/api/v1.0/session", headers=own_page)).status_code == 204
    assert await handshake_status(node, origin=OURS, cookie=cookie) == 401


async def test_a_token_goes_before_the_cookie(node: Node, ada: Member, bob: Member) -> None:
    cookie = await sign_in_browser(node, ada)
    room_id = await bob.make_room()
    async with wired(node.port, headers={"Cookie": cookie}, origin=OURS) as wire:
        assert f"room:{room_id}" in (await wire.connect(bob.token))["subs"]


async def test_without_a_cookie_the_socket_waits_to_be_told_who_it_is(node: Node, ada: Member) -> None:
    async with wired(node.port, origin=OURS) as wire:
        assert await wire.connect(ada.token)


async def test_a_query_that_cannot_be_read_is_refused(node: Node) -> None:
    assert await handshake_status(node, path="/ws?" + "&".join(["a=1"] * 30)) == 400


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """All that anybody logs, at every level."""
    lines: list[str] = []

    def note(_: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        lines.append(f"{name} {event}")
        return event

    before = structlog.get_config()["processors"]
    structlog.configure(processors=[note, *before])
    with caplog.at_level(logging.DEBUG):
        yield lines
    structlog.configure(processors=before)
    lines.extend(record.getMessage() for record in caplog.records if record.name.partition(".")[0] != "websockets")


async def test_tokens_never_reach_a_log(node: Node, ada: Member, everything_logged: list[str]) -> None:
    cookie = await sign_in_browser(node, ada)
    ticket = (await ada.http.post("/api/v1.0/tickets")).json()["ticket"]
    async with wired(node.port, ada.token), wired(node.port, path=f"/ws?token={ada.token}") as echo:
        await echo.raw("/out")
    async with wired(node.port, path=f"/ws?token={ticket}"), wired(node.port, path=f"/ws?token={ticket}"):
        pass
    await handshake_status(node, origin="http://evil.example", cookie=cookie)
    await handshake_status(node, origin=OURS, cookie=cookie, path=f"/connection/websocket?token={ada.token}")
    async with visiting(node) as visitor:
        await visitor.get(f"/ws?token={ada.token}")
        await visitor.get(f"/api/v1.0/nowhere?token={ada.token}")
    async with wired(node.port) as wire:
        await wire.raw(f'{{"id":1,"connect":{{"token":"{ada.token}"')
        await wire.expect_close()
    async with wired(node.port) as wire:
        await wire.raw(f'{{"id":1,"connect":{{"token":["{ada.token}"]}}}}')
        await wire.expect_close()
    await asyncio.sleep(0.05)
    logged = "\n".join(everything_logged)
    assert "request" in logged, "there must be a log for this test to mean anything"
    for secret in (ada.token, ticket, cookie.partition("=")[2], PASSWORD):
        assert secret not in logged
