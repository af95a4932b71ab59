"""Development through nginx: the page as Vite serves it, and what it does when a file has changed."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, expect

from folkmoot.app import Node
from tests.e2e.visitor import visit
from tests.examples.programs import program
from tests.nginx.front import ROOT, front
from tests.ports import free_port

BUNDLED_MS = 90_000  # the first time, Vite bundles what the page builds on
TOOLS = ROOT / ".tools" / "node" / "bin"


@asynccontextmanager
async def vite(folder: Path) -> AsyncIterator[int]:
    """Vite on a copy of the page's sources, which a test may change."""
    shutil.copytree(ROOT / "web", folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to((ROOT / "web" / "node_modules").resolve())
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    port = free_port()
    command = ("node", str(folder / "node_modules/vite/bin/vite.js"), str(folder), "--port", str(port), "--strictPort")
    async with program(".", *command, "--host", "127.0.0.1", PATH=path) as running:
        await running.says(f":{port}/")
        yield port


async def test_a_changed_file_is_in_the_browser_by_itself(chromium: Browser, node: Node, tmp_path: Path) -> None:
    address = f"127.0.0.1:{node.port}"
    async with (
        vite(tmp_path / "web") as port,
        front(
            tmp_path, API_UPSTREAM=address, WS_UPSTREAM=address, APP_UPSTREAM=f"127.0.0.1:{port}", RATE_BURST="10000"
        ) as running,
        visit(chromium, running.address, None) as visitor,  # which asserts: nothing broke the policy
    ):
        await expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible(timeout=BUNDLED_MS)
        page = tmp_path / "web" / "src" / "pages" / "LoginPage.vue"
        before, end = page.read_text().rsplit("</LoginForm>", 1)
        page.write_text(f"{before}<p>Just written</p></LoginForm>{end}")
        await expect(visitor.page.get_by_text("Just written")).to_be_visible(timeout=BUNDLED_MS)
