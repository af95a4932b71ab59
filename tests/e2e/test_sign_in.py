"""Signing in and out, as a person does it."""

from playwright.async_api import expect

from tests.e2e.conftest import Sit
from tests.e2e.proxy import Proxy
from tests.people import Member


async def test_nothing_is_prefilled_and_mistakes_are_said_plainly(ada: Member, sit: Sit) -> None:
    async with sit() as visitor:
        await expect(visitor.page).to_have_url(f"{visitor.url}/login")
        await expect(visitor.page.get_by_role("textbox", name="Email")).to_have_value("")
        await visitor.sign_in("nonsense", "longenough")
        await expect(visitor.page.get_by_text("valid email")).to_be_visible()
        await visitor.sign_in(ada.email, "not the password")
        await expect(visitor.page.get_by_text("Wrong email or password")).to_be_visible()
        await visitor.sign_in(ada.email)
        await expect(visitor.page.get_by_role("navigation", name="Rooms")).to_be_visible()


async def test_an_unreachable_server_is_said_plainly(ada: Member, sit: Sit, line: Proxy) -> None:
    async with sit() as visitor:
        line.cut()
        await visitor.sign_in(ada.email)
        await expect(visitor.page.get_by_text("reach")).to_be_visible()
        await expect(visitor.page.get_by_role("textbox", name="Email")).to_have_value(ada.email)
        line.mend()
        await visitor.page.get_by_role("button", name="Sign in").click()
        await expect(visitor.page.get_by_role("navigation", name="Rooms")).to_be_visible()


async def test_a_revoked_session_sees_the_sign_in_page_at_once(ada: Member, sit: Sit) -> None:
    async with sit(ada) as there, sit(ada) as here:
        await here.page.get_by_role("button", name="Your account").click()
        await here.page.get_by_role("menuitem", name="Sessions").click()
        await here.page.get_by_role("button", name="Sign out this session").first.click()
        await expect(there.page).to_have_url(f"{there.url}/login")
        await expect(here.page.get_by_role("button", name="Sign out this session")).to_have_count(1)  # of a program


async def test_signing_out_ends_the_session(ada: Member, sit: Sit) -> None:
    async with sit(ada) as visitor:
        await visitor.page.get_by_role("button", name="Your account").click()
        await visitor.page.get_by_role("menuitem", name="Sign out").click()
        await expect(visitor.page).to_have_url(f"{visitor.url}/login")
        await visitor.open("/")
        await expect(visitor.page).to_have_url(f"{visitor.url}/login")


async def test_no_script_can_read_what_signs_somebody_in(ada: Member, sit: Sit) -> None:
    async with sit(ada) as visitor:
        cookies = await visitor.page.context.cookies()
        (cookie,) = [cookie for cookie in cookies if cookie["name"] == "sid"]
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        readable = await visitor.page.evaluate(
            "() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join()"
        )
        assert cookie["value"] not in readable
