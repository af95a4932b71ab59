"""Two people, two browsers, one conversation."""

from playwright.async_api import expect

from tests.e2e.conftest import Sit
from tests.e2e.proxy import Proxy
from tests.people import Member


async def test_two_people_make_a_room_and_talk(ada: Member, bob: Member, sit: Sit) -> None:
    room = "The garden of two"
    async with sit(ada) as hers, sit(bob) as his:
        await hers.page.get_by_role("button", name="New room").click()
        await hers.page.get_by_role("textbox", name="Name").fill(room)
        await hers.page.get_by_role("button", name="Create room").click()
        await expect(hers.composer(room)).to_be_visible()

        await his.page.get_by_role("button", name="Browse rooms").click()
        await (
            his.page.get_by_role("dialog")
            .get_by_role("listitem")
            .filter(has_text=room)
            .get_by_role("button", name="Join")
            .click()
        )
        await expect(his.composer(room)).to_be_visible()

        await hers.write(room, "Shall we plant beans?")
        await his.sees("Shall we plant beans?")
        await his.write(room, "And peas.")
        await hers.sees("And peas.")
        await hers.sees("Shall we plant beans?")
        await expect(hers.composer(room)).to_have_value("")


async def test_an_unread_room_says_so_and_reading_it_is_remembered(ada: Member, bob: Member, sit: Sit) -> None:
    name = "Letters"
    room = await ada.make_room(name)
    await bob.join(room)
    async with sit(bob) as his:
        await his.enter("General")
        await ada.say(room, "A letter for you")
        link = his.page.get_by_role("navigation", name="Rooms").get_by_role("link", name=name)
        await expect(link).to_contain_text("1 unread")
        await his.enter(name)
        await his.sees("A letter for you")
        await expect(link).not_to_contain_text("unread")
    async with sit(bob) as later:
        link = later.page.get_by_role("navigation", name="Rooms").get_by_role("link", name=name)
        await expect(link).to_be_visible()
        await expect(link).not_to_contain_text("unread")


async def test_a_busy_room_in_front_of_somebody_never_counts_as_unread(ada: Member, bob: Member, sit: Sit) -> None:
    name = "Market"
    room = await ada.make_room(name)
    await bob.join(room)
    async with sit(bob) as his:
        await his.enter(name)
        await ada.say(room, "the first word")
        await his.sees("the first word")
        link = his.page.get_by_role("navigation", name="Rooms").get_by_role("link", name=name)
        await expect(link).not_to_contain_text("unread")
        await his.page.evaluate("""() => {
            window.titles = []
            const note = () => window.titles.push(document.title)
            new MutationObserver(note).observe(document.querySelector('title'), { childList: true })
        }""")
        async with his.page.expect_response(lambda answer: answer.url.endswith(f"/rooms/{room}/read")):
            for number in range(12):
                await ada.say(room, f"offer {number}.")
        await his.sees("offer 11.")
        assert [title for title in await his.page.evaluate("window.titles") if title.startswith("(")] == []
        await expect(link).not_to_contain_text("unread")


async def test_a_lost_connection_comes_back_with_everything(ada: Member, bob: Member, sit: Sit, line: Proxy) -> None:
    name = "Bridge"
    room = await ada.make_room(name)
    await bob.join(room)
    async with sit(bob) as his:
        await his.enter(name)
        await ada.say(room, "before")
        await his.sees("before")
        line.cut()
        await expect(his.strip).to_be_visible()
        for number in range(5):
            await ada.say(room, f"meanwhile {number}")
        await his.write(name, "written in a tunnel")
        await expect(his.message("written in a tunnel")).to_be_visible()
        line.mend()
        for number in range(5):
            await his.sees(f"meanwhile {number}")
        await his.sees("written in a tunnel")
        await expect(his.strip).to_have_count(0)
        await expect(his.page).not_to_have_url("**/login")
        texts = await his.messages.all_inner_texts()
    order = [text for text in "\n".join(texts).split("\n") if text.startswith(("before", "meanwhile", "written"))]
    assert order == ["before", *(f"meanwhile {number}" for number in range(5)), "written in a tunnel"]


async def test_a_reload_in_the_middle_of_sending_loses_nothing(ada: Member, sit: Sit, line: Proxy) -> None:
    name = "Station"
    room = await ada.make_room(name)
    async with sit(ada) as hers:
        await hers.enter(name)
        line.cut()
        await expect(hers.strip).to_be_visible()
        await hers.write(name, "do not forget me")
        await expect(hers.message("do not forget me")).to_be_visible()
        line.mend()
        await hers.page.reload()
        await hers.sees("do not forget me")
    page = (await ada.http.get(f"/api/v1.0/rooms/{room}/events")).json()
    assert [event["body"] for event in page["events"]].count("do not forget me") == 1


async def test_a_message_that_is_refused_says_so_and_can_be_deleted(ada: Member, sit: Sit) -> None:
    name = "Archive"
    await ada.make_room(name)
    async with sit(ada) as hers:
        await hers.enter(name)
        await hers.write(name, "x" * 600)  # this server takes 500 characters
        failed = hers.message("x" * 100)
        await expect(failed.get_by_role("button", name="Retry")).to_be_visible()
        await failed.get_by_role("button", name="Retry").click()
        await expect(failed.get_by_role("button", name="Delete")).to_be_visible()
        await failed.get_by_role("button", name="Delete").click()
        await expect(failed).to_have_count(0)


async def test_history_loads_upwards_without_a_jump(ada: Member, sit: Sit) -> None:
    name = "Library"
    room = await ada.make_room(name)
    for number in range(160):
        await ada.say(room, f"volume {number} of a long series")
    await ada.http.put(f"/api/v1.0/rooms/{room}/read", json={"seq": 161})
    async with sit(ada) as hers:
        await hers.enter(name)
        await expect(hers.message("volume 159 of")).to_be_in_viewport()
        log = hers.page.get_by_role("log", name="Messages")
        pages = 0
        while not await hers.message("volume 0 of").count():
            loaded = await hers.messages.count()
            # The first one may lose its name to the group it turns out to be in; what is below must not move.
            anchor = hers.message((await hers.messages.nth(3).inner_text()).splitlines()[-1])
            await log.evaluate("log => { log.scrollTop = 1 }")  # as far up as it goes: the page loads more
            before = await anchor.bounding_box()
            await expect(hers.messages).not_to_have_count(loaded)
            after = await anchor.bounding_box()
            assert before
            assert after
            assert abs(after["y"] - before["y"]) < 3
            pages += 1
        assert pages > 1, "for this test to mean anything history must come in several pages"
        for number in range(0, 160, 20):
            await expect(hers.message(f"volume {number} of")).to_have_count(1)
