"""What can be said about looks without eyes: nothing overflows."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Sit
from tests.people import Member


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
    async with sit(ada, viewport={"width": width, "height": 740}, color_scheme=scheme) as hers:
        await hers.open(f"/rooms/{room}")
        await hers.sees("short")
        widths = await hers.page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
        assert widths[0] <= widths[1]
        await expect(hers.composer(name)).to_be_in_viewport()
        await hers.page.screenshot(path=tmp_path / f"{scheme}-{width}.png")
