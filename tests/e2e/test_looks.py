"""What can be said about looks without eyes: nothing overflows, nothing runs that came in a message."""

from pathlib import Path

import pytest
from playwright.async_api import Dialog, expect

from tests.e2e.conftest import Sit
from tests.people import Member

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "[click](data:text/html,<script>alert(1)</script>)",
    "<svg onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "![x](x' onerror='alert(1))",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
)


async def test_a_message_cannot_run_anything(ada: Member, sit: Sit) -> None:
    name = "Sandbox"
    room = await ada.make_room(name)
    for payload in HOSTILE:
        await ada.say(room, payload)
    await ada.say(room, "the last one [fine](https://example.org)")
    async with sit(ada) as hers:
        opened: list[str] = []

        async def dismiss(dialog: Dialog) -> None:
            opened.append(dialog.message)
            await dialog.dismiss()

        hers.page.on("dialog", dismiss)
        await hers.enter(name)
        await hers.sees("the last one")
        log = hers.page.get_by_role("log", name="Messages")
        assert await log.locator("script, iframe, img, svg[onload], [onerror]").count() == 0
        hrefs = await log.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert hrefs == ["https://example.org"]
        assert opened == []


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
