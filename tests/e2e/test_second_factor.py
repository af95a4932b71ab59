"""Two-step sign-in in a real browser: turned on, asked for, confirmed again, and checked on a phone."""

import re

from playwright.async_api import Page, expect
from pydantic import SecretStr
from redis.asyncio import Redis

from folkmoot.app import Node
from folkmoot.database import Connection
from tests.conftest import Start
from tests.e2e.conftest import Sit
from tests.e2e.proxy import Proxy
from tests.people import PASSWORD, Member, enrol
from tests.twofactor.phone import KEYS, Phone

OLD = "UPDATE sessions SET confirmed_at = now() - interval '1 hour' WHERE user_id = $1"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


async def turn_on_by_hand(page: Page) -> tuple[Phone, list[str]]:
    """Reads the secret off the page, types the first code, and keeps the recovery codes."""
    phone = Phone((await page.locator(".enrol__letters").inner_text()).replace(" ", ""))
    await page.get_by_role("textbox", name="Code that the app shows").fill(phone.code())
    await page.get_by_role("button", name="Turn on").last.click()
    shown = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    await expect(shown).to_have_count(10)
    codes = await shown.all_inner_texts()
    await page.get_by_role("button", name="I have kept them").click()
    return phone, codes


async def test_from_turning_it_on_to_turning_it_off(ada: Member, sit: Sit) -> None:
    async with sit(ada) as visitor:
        page = visitor.page
        await visitor.open("/settings/security")
        await page.get_by_role("button", name="Turn on").click()
        picture = page.get_by_role("img", name="QR code")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("(image) => image.complete && image.naturalWidth > 100"), "the policy lets it be"
        phone, codes = await turn_on_by_hand(page)
        await expect(page.get_by_text("10 left")).to_be_visible()

        await page.get_by_role("button", name="Your account").click()
        await page.get_by_role("menuitem", name="Sign out").click()
        await visitor.sign_in(ada.email)
        code = page.get_by_role("textbox", name="Code")
        await expect(code).to_be_focused()
        await code.fill("000000")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("not the code of now")).to_be_visible()
        await code.fill(phone.code())
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("navigation", name="Rooms")).to_be_visible()

        await visitor.open("/settings/security")
        await page.get_by_role("button", name="Turn off").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Password", exact=True).fill(PASSWORD)
        await dialog.get_by_role("textbox", name="Code of your app").fill(codes[0])
        await dialog.get_by_role("button", name="Turn off").click()
        await expect(page.get_by_role("button", name="Turn on")).to_be_visible()


async def test_an_old_sign_in_is_confirmed_in_the_middle_of_what_one_does(
    ada: Member, sit: Sit, redis: Redis, database: Connection
) -> None:
    async with sit(ada) as visitor:
        page = visitor.page
        await visitor.open("/settings/tokens")
        await page.get_by_role("button", name="New token").click()
        await page.get_by_role("textbox", name="What is it for?").fill("Backup")
        await page.get_by_role("textbox", name="Scopes").fill("rooms")
        await database.execute(
            "UPDATE sessions SET confirmed_at = now() - interval '1 hour' WHERE user_id = $1", ada.id
        )
        async for copy in redis.scan_iter("folkmoot:session:*"):
            await redis.delete(copy)
        await page.get_by_role("button", name="Make token").click()
        dialog = page.get_by_role("dialog", name="Is it still you?")
        await dialog.get_by_label("Password", exact=True).click()  # nothing stands before it
        await page.keyboard.type(PASSWORD)
        await dialog.get_by_role("button", name="Confirm").click()
        await expect(page.get_by_role("textbox", name="Token")).to_have_value(re.compile("^fmt_"))


async def test_a_phone_says_whether_a_code_is_right(ada: Member, sit: Sit) -> None:
    async with sit(ada, **PHONE) as visitor:
        page = visitor.page
        await visitor.open("/settings/security")
        await page.get_by_role("button", name="Turn on").click()
        phone, _ = await turn_on_by_hand(page)
        await page.get_by_role("link", name="Check").click()
        await expect(page).to_have_title("TOTP Validation · Folkmoot")
        button = page.get_by_role("button", name="Validate")
        await expect(button).to_be_disabled()
        for code, words in ((phone.code(), "OK"), ("000000", "Not valid code")):
            await page.get_by_role("textbox", name="Code").fill(code)
            await button.click()
            toast = page.locator(".toast").get_by_text(words, exact=True)
            await expect(toast).to_be_visible()
            await expect(toast).to_have_count(0)


async def test_where_it_is_required_there_is_nothing_else_first(
    start: Start, sit: Sit, line: Proxy, site: Node
) -> None:
    async with start(serve_site=True, url=line.url, keys=SecretStr(KEYS), second_factor="all") as strict:
        line.forward_to(strict.port)
        async with enrol(strict, "Ada") as ada, sit() as visitor:
            page = visitor.page
            await visitor.sign_in(ada.email)
            await expect(page.get_by_text("This server asks everyone like you")).to_be_visible()
            await expect(page.get_by_role("navigation", name="Rooms")).to_have_count(0)
            await turn_on_by_hand(page)
            await expect(page.get_by_role("navigation", name="Rooms")).to_be_visible()
        line.forward_to(site.port)
