"""A forgotten password, in front of a browser: from the sign-in page to the letter, and back in."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.jobs import engine
from folkmoot.laptop import Servers
from tests.conftest import Start
from tests.databases import database_of_our_own
from tests.e2e.conftest import Sit
from tests.e2e.proxy import Proxy
from tests.e2e.visitor import Visitor, visit
from tests.people import Member, enrol
from tests.postbox import Postbox, postbox, text_of

NEW = "an even better passphrase"


@pytest.fixture
async def mailbox() -> AsyncIterator[Postbox]:
    async with postbox() as started:
        yield started


@pytest.fixture
async def writing(
    start: Start, database_servers: Servers, mailbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Node, str]]:
    """A node with its site that sends letters, and where browsers reach it."""
    monkeypatch.setattr(engine, "POLL_S", 0.05)
    async with (
        database_of_our_own(database_servers.dsn) as dsn,
        Proxy() as line,
        start(
            serve_site=True,
            url=line.url,
            database_url=SecretStr(dsn),
            jobs_concurrency=2,
            smtp_host="127.0.0.1",
            smtp_port=mailbox.port,
            smtp_tls="none",
            mail_from="chat@folkmoot.test",
        ) as node,
    ):
        line.forward_to(node.port)
        yield node, line.url


async def test_a_forgotten_password(chromium: Browser, writing: tuple[Node, str], mailbox: Postbox) -> None:
    node, url = writing
    async with enrol(node, "Ada") as ada, visit(chromium, url, None) as visitor:
        page = visitor.page
        await page.get_by_role("link", name="Forgot your password?").click()
        await page.get_by_role("textbox", name="Email").fill(ada.email)
        await page.get_by_role("button", name="Send the link").click()
        await expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()

        (letter,) = await mailbox.wait_for(1, ada.email)
        (link,) = [line for line in text_of(letter).splitlines() if line.startswith(f"{url}/reset#")]
        asked: list[str] = []
        page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))
        await page.goto(link)
        await expect(page.get_by_label("New password")).to_be_visible()
        await expect(page).to_have_url(f"{url}/reset")
        await page.get_by_label("New password").fill(NEW)
        await page.get_by_role("button", name="Change password").click()
        await expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
        token = link.partition("#")[2]
        # Playwright names the address of a page with its fragment; no server is told of that part.
        assert not [line for line in asked if token in line and not line.startswith(link)]

        await page.get_by_role("link", name="Sign in").click()
        await visitor.sign_in(ada.email, NEW)
        await expect(page.get_by_role("navigation", name="Rooms")).to_be_visible()
        await mailbox.wait_for(2, ada.email)

        await page.goto("about:blank")
        await page.goto(link)
        await expect(page.get_by_text("This link was used already.")).to_be_visible()


async def test_a_server_without_mail_says_whom_to_ask(sit: Sit) -> None:
    async with sit() as visitor:
        await visitor.open("/forgot")
        await expect(visitor.page.get_by_text("This server sends no mail. Ask an admin")).to_be_visible()


async def test_signing_out_leaves_nothing_behind(ada: Member, sit: Sit) -> None:
    """S44: neither the back button nor what a page can store shows who was here."""
    room = await ada.make_room("Secret garden")
    await ada.say(room, "Nobody else reads this")
    async with sit(ada) as visitor:
        await visitor.enter("Secret garden")
        await visitor.sees("Nobody else reads this")
        await visitor.page.evaluate(
            "async () => { localStorage.canary = sessionStorage.canary = 'x'; await caches.open('canary') }"
        )
        await sign_out(visitor)
        stored = await visitor.page.evaluate(
            "async () => [localStorage.canary, sessionStorage.canary, ...(await caches.keys())].filter(Boolean)"
        )
        assert stored == []
        await visitor.page.go_back()
        await shows_nothing(visitor)
        await visitor.page.goto("about:blank")
        await visitor.page.go_back()
        await shows_nothing(visitor)


async def sign_out(visitor: Visitor) -> None:
    await visitor.page.get_by_role("button", name="Your account").click()
    async with visitor.page.expect_response(lambda answer: answer.request.method == "DELETE") as waited:
        await visitor.page.get_by_role("menuitem", name="Sign out").click()
    answer = await waited.value
    assert (await answer.all_headers())["clear-site-data"] == '"cache", "storage"'
    await expect(visitor.page).to_have_url(f"{visitor.url}/login")


async def shows_nothing(visitor: Visitor) -> None:
    await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(visitor.page.get_by_text("Nobody else reads this")).to_have_count(0)
    await expect(visitor.page.get_by_text("Secret garden")).to_have_count(0)
