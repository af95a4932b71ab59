"""Whatever somebody writes is text: a message, a name, a room and its topic. Nothing runs, nothing is fetched."""

from uuid import uuid4

import pytest
from playwright.async_api import Dialog, Frame, Page, Request

from folkmoot.app import Node
from tests.e2e.conftest import Sit
from tests.people import Member, enrol

AWAY = "//hostile.test/x"
RUN = "window.ran=1"
HTML = (
    f"<script>{RUN}</script>",
    f"<script src={AWAY}></script>",
    f"<img src=x onerror={RUN}>",
    f"<img src={AWAY}>",
    f"<svg onload={RUN}>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:{RUN}'><text y=20>here</text></a></svg>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}>",
    f"<iframe srcdoc='<script>{RUN}</script>'></iframe>",
    f"<iframe src=javascript:{RUN}></iframe>",
    f"<object data=javascript:{RUN}></object>",
    f"<embed src={AWAY}>",
    f"<video><source onerror={RUN}></video>",
    f"<details open ontoggle={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<body onload={RUN}>",
    f"<a href='javascript:{RUN}'>x</a>",
    f"<form action=javascript:{RUN}><button>x</button></form>",
    f"<style>@import '{AWAY}'</style>",
    f"<link rel=stylesheet href={AWAY}>",
    f"<meta http-equiv=refresh content='0;url={AWAY}'>",
    f"<base href={AWAY}>",
    f"<template><img src=x onerror={RUN}></template>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<!--<img src='--><img src=x onerror={RUN}>",
    f"</textarea><script>{RUN}</script>",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f'"><img src=x onerror={RUN}>',
    f"{{{{constructor.constructor('{RUN}')()}}}}",
    f"${{{RUN}}}",
    "<xss id=x tabindex=1 style='position:fixed;inset:0'>x</xss>",
)
MARKDOWN = (
    f"[x](javascript:{RUN})",
    f"[x](JaVaScRiPt:{RUN})",
    f"[x](java\tscript:{RUN})",
    f"[x](javascript&colon;{RUN})",
    f"[x](&#106;avascript:{RUN})",
    f"[x](vbscript:{RUN})",
    f"[x](data:text/html,<script>{RUN}</script>)",
    "[x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "[x](file:///etc/passwd)",
    f"<javascript:{RUN}>",
    f"![x](x' onerror='{RUN})",
    f"![x]({AWAY})",
    f"![x](https:{AWAY})",
    f"[x]: javascript:{RUN}\n\n[x]",
    f"[x](https://example.org \"' onmouseover='{RUN}\")",
    f'[x](https://example.org/"onmouseover="{RUN})',
    f"```<img src=x onerror={RUN}>\n</code></pre><script>{RUN}</script>\n```",
    f"`</code><img src=x onerror={RUN}>`",
    f"| <img src=x onerror={RUN}> |\n| --- |\n| [x](javascript:{RUN}) |",
    f"| x | y |\n| :-: | :-: onmouseover={RUN} |\n| `|<img src=x onerror={RUN}>` | <td style=background:url({AWAY})> |",
    f"| a | b |\n| :--- | ---: |\n| ![x]({AWAY}) | [x](data:text/html,<script>{RUN}</script>) |",
    f"| a |\n| --- |\n| </td></table><script>{RUN}</script> |",
    f"> | a |\n> | --- |\n> | <img src=x onerror={RUN}> |",
    f"# <img src=x onerror={RUN}>",
    f"## [x](javascript:{RUN}) {{#x onmouseover={RUN}}} ##",
    f"> # </h3><script>{RUN}</script>",
    f"https://example.org/<script>{RUN}</script>",
)


class Watch:
    """What a page did that its text should not make it do."""

    def __init__(self, page: Page) -> None:
        self.did: list[str] = []
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.on("framenavigated", self._frame)

    async def _dialog(self, dialog: Dialog) -> None:
        self.did.append(f"dialog {dialog.message}")
        await dialog.dismiss()

    def _frame(self, frame: Frame) -> None:
        if frame.parent_frame:
            self.did.append(f"frame {frame.url}")

    def _request(self, request: Request) -> None:
        if "hostile.test" in request.url or "example.org" in request.url:
            self.did.append(f"request {request.url}")

    async def nothing_happened(self, page: Page) -> None:
        assert await page.evaluate("window.ran") is None
        assert self.did == []


async def test_a_message_cannot_run_or_fetch_anything(ada: Member, sit: Sit) -> None:
    name = f"Sandbox {uuid4().hex[:6]}"
    room = await ada.make_room(name)
    for payload in (*HTML, *MARKDOWN):
        await ada.say(room, payload)
    await ada.say(room, "the last one [fine](https://example.org)")
    async with sit(ada) as hers:
        watch = Watch(hers.page)
        await hers.enter(name)
        await hers.sees("the last one")
        log = hers.page.get_by_role("log", name="Messages")
        forbidden = (
            "script, iframe, object, embed, form, style, link, meta, base, img, video, input, template, math, xss"
        )
        assert await log.locator(forbidden).count() == 0
        attributes = await log.evaluate(
            "log => [...log.querySelectorAll('*')].flatMap(it => it.getAttributeNames()).filter(it => /^on/.test(it))"
        )
        assert attributes == []
        links = await log.locator("a").evaluate_all("links => links.map(link => link.protocol)")
        assert set(links) <= {"http:", "https:", "mailto:"}
        await watch.nothing_happened(hers.page)


@pytest.mark.parametrize("payload", HTML[:12:3])
async def test_names_and_topics_are_text_too(node: Node, sit: Sit, payload: str) -> None:
    async with enrol(node, payload[:80]) as hostile:
        made = await hostile.http.post(
            "/api/v1.0/rooms", json={"name": payload[:80], "topic": payload, "visibility": "open"}
        )
        assert made.status_code == 201, made.text
        room = made.json()["id"]
        await hostile.say(room, "Look at my name")
        async with sit(hostile) as theirs:
            watch = Watch(theirs.page)
            await theirs.open(f"/rooms/{room}")
            await theirs.sees("Look at my name")
            assert payload[:40] in await theirs.page.locator("body").inner_text()
            await watch.nothing_happened(theirs.page)
