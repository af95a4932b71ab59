"""What can be said about looks without eyes: nothing overflows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import Sit
from tests.people import Member

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TABLE = "\n".join(f"| {' | '.join(row)} |" for row in (DAYS, [":-:"] * 5, ["Early"] * 5, ["`late`", "**late**"]))


async def in_both_themes(page: Page, folder: Path) -> AsyncIterator[None]:
    """Once in light and once in dark; each time nothing is wider than the window."""
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        yield
        document, window = await page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
        assert document <= window, scheme
        await page.screenshot(path=folder / f"{scheme}-{window}.png")


@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_the_conversation_fits_its_window(ada: Member, bob: Member, sit: Sit, width: int, tmp_path: Path) -> None:
    name = "A room with a rather long name that has to be cut somewhere"
    room = await ada.make_room(name)
    await bob.join(room)
    await bob.say(room, "short")
    await ada.say(room, "a-word-without-an-end" * 12)
    await ada.say(room, "```\n" + "a line of code that is wider than a phone " * 3 + "\n```")
    await bob.say(room, TABLE)
    async with sit(ada, viewport={"width": width, "height": 740}) as hers:
        await hers.open(f"/rooms/{room}")
        async for _ in in_both_themes(hers.page, tmp_path):
            await hers.sees("short")
            frame = hers.message("Monday").locator(".body__table")
            await expect(frame.get_by_role("row")).to_have_count(3)
            assert await frame.evaluate("frame => frame.scrollWidth > frame.clientWidth") == (width < 1280)
            await expect(hers.composer(name)).to_be_in_viewport()


async def test_the_page_of_the_api_looks_like_ours(sit: Sit, tmp_path: Path) -> None:
    """In the theme that the reader has, and within the policy of the other pages, which `sit` watches."""
    grounds = []
    async with sit(None) as visitor:
        await visitor.open("/api/docs")
        await visitor.page.locator(".opblock-summary-control").first.click()
        for width in (360, 1280):
            await visitor.page.set_viewport_size({"width": width, "height": 740})
            async for _ in in_both_themes(visitor.page, tmp_path):
                await expect(visitor.page.get_by_text("Try it out")).to_be_visible()
                grounds += await visitor.page.evaluate(
                    "() => ['body', '.opblock'].map(it => getComputedStyle(document.querySelector(it)).backgroundColor)"
                )
    light, dark = ["rgb(253, 252, 248)", "rgb(255, 255, 255)"], ["rgb(20, 32, 28)", "rgb(27, 41, 36)"]
    assert grounds == 2 * (light + dark)
