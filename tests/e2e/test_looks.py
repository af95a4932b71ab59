"""What can be said about looks without eyes: nothing overflows."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Sit
from tests.people import Member

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TABLE = "\n".join(f"| {' | '.join(row)} |" for row in (DAYS, [":-:"] * 5, ["Early"] * 5, ["`late`", "**late**"]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_the_conversation_fits_its_window(
    ada: Member, bob: Member, sit: Sit, width: int, scheme: str, tmp_path: Path
) -> None:
    name = "A room with a rather long name that has to be cut somewhere"
    room = await ada.make_room(name)
    await bob.join(room)
    await bob.say(room, "short")
    await ada.say(room, "a-word-without-an-end" * 12)
    await ada.say(room, "```\n" + "a line of code that is wider than a phone " * 3 + "\n```")
    await bob.say(room, TABLE)
    async with sit(ada, viewport={"width": width, "height": 740}, color_scheme=scheme) as hers:
        await hers.open(f"/rooms/{room}")
        await hers.sees("short")
        widths = await hers.page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1]
        frame = hers.message("Monday").locator(".body__table")
        await expect(frame.get_by_role("row")).to_have_count(3)
        assert await frame.evaluate("frame => frame.scrollWidth > frame.clientWidth") == (width < 1280)
        await expect(hers.composer(name)).to_be_in_viewport()
        await hers.page.screenshot(path=tmp_path / f"{scheme}-{width}.png")


@pytest.mark.parametrize("width", [360, 1280])
async def test_the_page_of_the_api_looks_like_ours(sit: Sit, width: int, tmp_path: Path) -> None:
    """In the theme that the reader has, and within the policy of the other pages, which `sit` watches."""
    grounds = set()
    for scheme in ("light", "dark"):
        async with sit(None, viewport={"width": width, "height": 740}, color_scheme=scheme) as visitor:
            await visitor.open("/api/docs")
            await visitor.page.locator(".opblock-summary-control").first.click()
            await expect(visitor.page.get_by_text("Try it out")).to_be_visible()
            ground, raised = await visitor.page.evaluate(
                "() => ['body', '.opblock'].map(it => getComputedStyle(document.querySelector(it)).backgroundColor)"
            )
            grounds.add((ground, raised))
            widths = await visitor.page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
            assert widths[0] <= widths[1]
            await visitor.page.screenshot(path=tmp_path / f"{scheme}-{width}.png")
    assert grounds == {("rgb(253, 252, 248)", "rgb(255, 255, 255)"), ("rgb(20, 32, 28)", "rgb(27, 41, 36)")}
