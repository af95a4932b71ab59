"""The page from a gRPC backend: what it shows, and what it says when there is nothing to show."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.examples.programs import Program, service


@pytest.fixture(scope="module")
async def backend(start: Start) -> AsyncIterator[Node]:
    async with start(grpc_port=0, grpc_open=("api",)) as started:
        yield started


@asynccontextmanager
async def page(port: int | None, host: str = "localhost") -> AsyncIterator[Program]:
    settings = {"PORT": "{port}", "BACKEND_HOST": host, "BACKEND_PORT": str(port)}
    async with service("grpc-page", sys.executable, "-W", "error", "app.py", path="/healthz", **settings) as running:
        yield running


def items(html: str, name: str) -> list[tuple[str, str]]:
    """What the list of that id shows."""
    found = re.search(rf"<ol id={name}>(.*?)</ol>", html, re.DOTALL)
    assert found, html
    return re.findall(r"<li><b>(.*?)</b> (.*?)</li>", found[1])


async def test_it_shows_the_greeting_the_list_and_the_stream(backend: Node) -> None:
    async with page(backend.grpc_port) as running:
        answer = await running.http.get("/")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1>Hello Gonzalo!</h1>" in answer.text
        ten = [(str(number), f"name {number}") for number in range(1, 11)]
        assert items(answer.text, "all") == ten
        assert items(answer.text, "stream") == ten[:5]
        assert answer.text.rstrip().endswith("</html>")
        named = await running.http.get("/", params={"name": "<b>Ada</b>"})
        assert "<h1>Hello &lt;b&gt;Ada&lt;/b&gt;!</h1>" in named.text
        assert (await running.http.get("/healthz")).text == "ok\n"


async def test_a_backend_that_is_away_is_said_and_found_again(start: Start, free_port: int) -> None:
    async with page(free_port) as running:
        answer = await running.http.get("/")
        assert f"There is no backend at localhost:{free_port} right now." in answer.text
        assert "<h1>" not in answer.text
        assert answer.text.rstrip().endswith("</html>")
        async with start(grpc_port=free_port, grpc_open=("api",)):
            while "Hello Gonzalo!" not in (await running.http.get("/")).text:
                pass


async def test_a_backend_that_wants_a_token_is_said(start: Start) -> None:
    async with start(grpc_port=0) as node, page(node.grpc_port) as running:
        assert "FOLKMOOT_GRPC_OPEN=api" in (await running.http.get("/")).text
