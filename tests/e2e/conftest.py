"""Real browsers on a real server with its built site."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from playwright.async_api import Browser, async_playwright
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.http.site import HERE as BUILT_SITE
from tests.conftest import Start
from tests.e2e.proxy import Proxy
from tests.e2e.visitor import Visitor, visit
from tests.people import Member, enrol
from tests.twofactor.phone import KEYS

Sit = Callable[..., AbstractAsyncContextManager[Visitor]]

QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium, or another one on the PATH."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, "Browser tests need Chromium: apt-get install chromium"
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def line() -> AsyncIterator[Proxy]:
    """The line between browsers and the server; a test may cut it."""
    async with Proxy() as proxy:
        yield proxy


@pytest.fixture(scope="session")
async def site(start: Start, line: Proxy) -> AsyncIterator[Node]:
    """A node with its site, which browsers reach over the line."""
    assert (BUILT_SITE / "index.html").exists(), "Build the site first: make site"
    async with start(serve_site=True, url=line.url, message_chars=500, keys=SecretStr(KEYS)) as node:
        line.forward_to(node.port)
        yield node


@pytest.fixture
async def sit(chromium: Browser, line: Proxy, site: Node) -> AsyncIterator[Sit]:
    """`async with sit(member) as page`: somebody in front of a browser of their own, signed in."""
    async with AsyncExitStack() as closing:

        def seat(member: Member | None = None, **options: object) -> AbstractAsyncContextManager[Visitor]:
            return visit(chromium, line.url, member, **options)

        closing.callback(line.mend)
        yield seat


@pytest.fixture
async def ada(site: Node) -> AsyncIterator[Member]:
    async with enrol(site, "Ada") as member:
        yield member


@pytest.fixture
async def bob(site: Node) -> AsyncIterator[Member]:
    async with enrol(site, "Bob") as member:
        yield member
