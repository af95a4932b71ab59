"""Slash commands and incoming hooks, as people use them."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from folkmoot.app import Node
from tests.conftest import Start
from tests.e2e.conftest import Sit
from tests.e2e.proxy import Proxy
from tests.e2e.visitor import visit
from tests.people import enrol, visiting


class Greeter:
    """A service that can go away and come back."""

    def __init__(self) -> None:
        self.is_there = True
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_there:
            self.asked += 1
            name = (await reader.readuntil(b"\r\n\r\n")).split()[1].rpartition(b"/")[2]
            body = b"Hello " + name + b" from flask service"
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
        writer.close()


@pytest.fixture
async def greeter() -> AsyncIterator[tuple[Greeter, int]]:
    service = Greeter()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    yield service, server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def helped(start: Start, greeter: tuple[Greeter, int], tmp_path: Path) -> AsyncIterator[tuple[Node, str]]:
    """A node whose operator has made the service a command, and its address."""
    file = tmp_path / "services.yaml"
    file.write_text(
        f"flask:\n  base_uri: http://127.0.0.1:{greeter[1]}\n  retries: 0\n  commands:\n"
        '    hello: {path: "/hello/{text}", about: Says hello through the flask service.}\n'
    )
    async with Proxy() as line, start(serve_site=True, url=line.url, services=file) as node:
        line.forward_to(node.port)
        yield node, line.url


async def test_a_command_is_found_run_and_seen_by_everybody(
    chromium: Browser, helped: tuple[Node, str], greeter: tuple[Greeter, int]
) -> None:
    node, url = helped
    async with enrol(node, "Ada") as ada, enrol(node, "Bob") as bob:
        room = await ada.make_room("Porch")
        await bob.join(room)
        async with visit(chromium, url, ada) as hers, visit(chromium, url, bob) as his:
            await hers.enter("Porch")
            await his.enter("Porch")
            box = hers.composer("Porch")
            await box.press_sequentially("/he")
            options = hers.page.get_by_role("listbox", name="Commands").get_by_role("option")
            await expect(options).to_have_count(2)
            await box.press("Enter")
            await expect(box).to_have_value("/hello ")
            await box.press_sequentially("Gonzalo")
            await box.press("Enter")
            for seen in (hers, his):
                answer = seen.message("Hello Gonzalo from flask service")
                await expect(answer).to_have_count(1)
                await expect(answer).to_contain_text("/hello Gonzalo")
                await expect(answer).to_contain_text("Ada")
            await expect(box).to_have_value("")

            greeter[0].is_there = False
            await hers.write("Porch", "/hello again")
            await expect(hers.page.get_by_role("alert")).to_contain_text("The service flask does not answer.")
            await expect(box).to_have_value("/hello again")
            await hers.write("Porch", "/help hello")
            await expect(hers.page.get_by_text("Only you can see this")).to_be_visible()
            await expect(his.messages).to_have_count(1)


async def test_a_command_is_tapped_on_a_phone(chromium: Browser, helped: tuple[Node, str]) -> None:
    node, url = helped
    async with enrol(node, "Ada") as ada:
        room = await ada.make_room("Pocket")
        await ada.say(room, "the newest")
        phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
        async with visit(chromium, url, ada, **phone) as hers:
            await hers.open(f"/rooms/{room}")
            box = hers.composer("Pocket")
            await box.tap()
            await box.press_sequentially("/")
            first = hers.page.get_by_role("option", name="Lists the commands")
            await expect(first).to_be_visible()
            said = await hers.message("the newest").element_handle()
            await first.evaluate(
                """(option, said) => new Promise(done => {
                    const edge = it => it.getBoundingClientRect()
                    const look = () => edge(said).bottom <= edge(option).top ? done() : requestAnimationFrame(look)
                    look()
                })""",
                said,
            )
            await first.tap()
            await expect(box).to_have_value("/help ")
            await expect(box).to_be_focused()
            await hers.page.get_by_role("button", name="Send").tap()
            await expect(hers.page.get_by_text("Only you can see this")).to_be_visible()
            widths = await hers.page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
            assert widths[0] <= widths[1]


async def test_a_hook_is_made_used_and_removed(site: Node, sit: Sit, line: Proxy) -> None:
    async with enrol(site, "Root", "admin") as admin:
        room = await admin.make_room("Sirens")
        async with sit(admin) as hers, visiting(site) as program:
            await hers.enter("Sirens")
            await hers.page.get_by_role("button", name="Your account").click()
            await hers.page.get_by_role("menuitem", name="Settings").click()
            await hers.page.get_by_role("link", name="Integrations").click()
            await hers.page.get_by_role("button", name="New incoming hook").click()
            await hers.page.get_by_role("textbox", name="Name").fill("Grafana")
            await hers.page.get_by_role("combobox", name="Room").select_option(str(room))
            await hers.page.get_by_role("button", name="Make hook").click()
            shown = hers.page.get_by_role("textbox", name="Address")
            await expect(shown).to_have_value(re.compile(rf"^{re.escape(line.url)}/api/v1\.0/hooks/fmh_"))
            address = await shown.input_value()
            await expect(hers.page.get_by_text(f"'{address}'")).to_be_visible()
            await hers.page.get_by_role("button", name="Done").click()
            row = hers.page.get_by_role("listitem").filter(has_text="Posts into Sirens")
            await expect(row).to_contain_text("Never used")
            assert address not in await hers.page.content()

            path = httpx.URL(address).path
            assert (await program.post(path, json={"text": "*Disk* is full"})).text == "ok"
            await hers.enter("Sirens")
            await expect(hers.message("Disk is full")).to_contain_text("Grafana")

            await hers.open("/settings/hooks")
            await row.get_by_role("button", name="Remove the hook Grafana").click()
            dialog = hers.page.get_by_role("dialog")
            await dialog.get_by_role("button", name="Remove").click()
            await expect(dialog).to_have_count(0)  # behind it no row has a role
            await expect(row).to_have_count(0)
            assert (await program.post(path, json={"text": "again"})).status_code == 404
