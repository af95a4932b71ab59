"""Somebody in front of a browser: what they do, and what they see."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.people import PASSWORD, Member

expect.set_options(timeout=30_000)


@dataclass
class Visitor:
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)  # errors of scripts, and of the content policy

    async def open(self, path: str = "/") -> None:
        await self.page.goto(self.url + path)

    async def sign_in(self, email: str, password: str = PASSWORD) -> None:
        await self.page.get_by_role("textbox", name="Email").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.get_by_role("button", name="Sign in").click()

    async def enter(self, room: str) -> None:
        await self.page.get_by_role("navigation", name="Rooms").get_by_role("link", name=room).click()
        await expect(self.composer(room)).to_be_visible()
        await expect(self.log).to_be_visible()  # what was said before is there, so that a line may be cut now

    async def write(self, room: str, text: str) -> None:
        await self.composer(room).fill(text)
        await self.composer(room).press("Enter")

    def composer(self, room: str) -> Locator:
        return self.page.get_by_role("textbox", name=f"Message {room}")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Messages")

    @property
    def messages(self) -> Locator:
        return self.log.get_by_role("article")

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    @property
    def strip(self) -> Locator:
        return self.page.get_by_role("status").filter(has_text="econnecting")

    async def sees(self, text: str) -> None:
        """The message is there, once, and is no longer on its way."""
        await expect(self.message(text)).to_have_count(1)
        await expect(self.message(text).get_by_role("img", name="Sending")).to_have_count(0)


@asynccontextmanager
async def visit(browser: Browser, url: str, member: Member | None, **options: Any) -> AsyncIterator[Visitor]:
    """A browser of one's own; signed in when a member is given."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    try:
        visitor = Visitor(await context.new_page(), url)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on(
            "console",
            lambda said: visitor.complaints.append(said.text) if "Content Security Policy" in said.text else None,
        )
        await visitor.open()
        if member is not None:
            await visitor.sign_in(member.email)
            await expect(visitor.page).to_have_url(re.compile("/rooms"))
        yield visitor
        assert visitor.complaints == []
    finally:
        await context.close()
