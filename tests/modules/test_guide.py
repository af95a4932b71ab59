"""The developer's guide, followed to the letter."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.modules.guide import Reader, reader
from tests.people import NO_TLS


@pytest.fixture
def developer(short_path: Path, checkout: Path, free_port: int) -> Iterator[Reader]:
    yield from reader(short_path, checkout, free_port)


async def test_the_guide_leads_where_it_says(developer: Reader, checkout: Path) -> None:
    page = (checkout / "docs" / "start" / "developer.md").read_text()
    assert await asyncio.to_thread(developer.follow, page) >= 14
    # "a module is loaded again whenever one of its files changes"
    actions = developer.folder / "modules" / "hello" / "actions.py"
    actions.write_text(actions.read_text().replace('text=f"Hello', 'text=f"Welcome'))
    headers = {"Authorization": f"Bearer {developer.environment['TOKEN']}"}
    address = f"http://localhost:{developer.port}/api/v1.0/hello/greet"
    async with asyncio.timeout(60), httpx.AsyncClient(headers=headers, verify=NO_TLS, trust_env=False) as http:
        while "Welcome Bob" not in (await http.post(address, json={"name": "Bob"})).text:
            await asyncio.sleep(0.1)


async def test_a_page_that_promises_too_much_is_found_out(developer: Reader) -> None:
    with pytest.raises(AssertionError, match="'goodbye' is promised"):
        developer.follow("```sh\necho hello\n```\n```text\ngoodbye\n```\n")
    with pytest.raises(AssertionError, match="false"):
        developer.follow("```sh\nfalse\n```\n")
