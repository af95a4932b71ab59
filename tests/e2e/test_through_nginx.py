"""The whole way of a browser: nginx with the built page, the API and the sockets, as on a server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.conftest import Start
from tests.e2e.visitor import visit
from tests.nginx.front import Front, front
from tests.people import Member, enrol
from tests.ports import free_port


@pytest.fixture
async def entrance(start: Start, tmp_path: Path) -> AsyncIterator[tuple[Front, Member]]:
    """nginx before two servers of one program, and somebody with an account."""
    port = free_port()
    trusts = {"trusted_proxies": ("127.0.0.1/32",), "url": f"http://127.0.0.1:{port}"}
    async with (
        start(only="api", **trusts) as api,
        start(only="socket", **trusts) as sockets,
        enrol(api, "Ada") as ada,
        front(
            tmp_path,
            LISTEN=f"127.0.0.1:{port}",
            API_UPSTREAM=f"127.0.0.1:{api.port}",
            WS_UPSTREAM=f"127.0.0.1:{sockets.port}",
        ) as running,
    ):
        yield running, ada


async def test_two_browsers_talk_and_nothing_breaks_the_policy(
    chromium: Browser, entrance: tuple[Front, Member]
) -> None:
    running, ada = entrance
    await ada.make_room("Over nginx")
    async with (
        visit(chromium, running.address, ada) as one,
        visit(chromium, running.address, ada) as other,
    ):  # each asserts: no violation
        await one.enter("Over nginx")
        await other.enter("Over nginx")
        await one.write("Over nginx", "From one to the other")
        await other.sees("From one to the other")
        await one.page.reload()  # an address of the app is its page
        await one.sees("From one to the other")


async def test_the_reader_of_the_api_breaks_no_policy(chromium: Browser, entrance: tuple[Front, Member]) -> None:
    running, _ = entrance
    async with visit(chromium, running.address, None) as visitor:
        await visitor.open("/api/docs")
        await expect(visitor.page.get_by_text("/api/v1.0/rooms", exact=True).first).to_be_visible()
