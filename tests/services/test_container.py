"""Named services: what one gets from them, and that they change places by configuration alone."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from folkmoot.errors import ServiceAway, UnknownService
from folkmoot.services import Services
from tests.conftest import Start
from tests.services.upstream import saying, silent, upstream

Write = Callable[[str], Path]


async def test_a_service_is_called_by_its_name(write: Write) -> None:
    async with upstream(saying("Hello Gonzalo from flask service")) as flask:
        async with Services.of_file(write(f"flask:\n  base_uri: {flask.address}\n")) as container:
            assert await container["flask"].get("/hello/Gonzalo") == "Hello Gonzalo from flask service"
        assert [(asked.method, asked.target) for asked in flask.asked] == [("GET", "/hello/Gonzalo")]


async def test_one_service_takes_the_place_of_another_by_configuration_alone(start: Start, write: Write) -> None:
    async def greeting() -> str:
        """What an action does. It is the same before and after."""
        async with start(services=path) as node:
            return await node.core.services["greeter"].get("/hello/Gonzalo")

    async with upstream(saying("from flask")) as flask, upstream(saying("from node")) as node_js:
        path = write(f"greeter:\n  base_uri: {flask.address}\n")
        assert await greeting() == "from flask"
        path = write(f"greeter:\n  base_uri: {node_js.address}\n")
        assert await greeting() == "from node"


async def test_a_name_that_is_not_there_is_an_error_that_lists_those_that_are(write: Write) -> None:
    text = "flask:\n  base_uri: http://localhost:1\nnode:\n  base_uri: http://localhost:2\n"
    async with Services.of_file(write(text)) as container:
        with pytest.raises(UnknownService, match=r"no service 'php'\. There are: flask, node\."):
            container["php"]
        assert "flask" in container
        assert "php" not in container
        assert [service.name for service in container] == ["flask", "node"]


async def test_without_a_file_there_are_no_services(start: Start) -> None:
    async with start() as node:
        assert len(node.core.services) == 0
        with pytest.raises(UnknownService, match="FOLKMOOT_SERVICES names no file"):
            node.core.services["flask"]


async def test_who_calls_while_the_container_is_closed_is_told_so(write: Write) -> None:
    async with upstream(silent) as it:
        services = Services.of_file(
            write(f"it:\n  base_uri: {it.address}\n  total_s: 60\n  breaker_failures: 99\n  read_s: 60\n")
        )
        calling = [asyncio.create_task(services["it"].get("/")) for _ in range(5)]
        while len(it.asked) < 5:
            await asyncio.sleep(0.01)
        await services.close()
        for call in calling:
            with pytest.raises(ServiceAway):
                await call
        with pytest.raises(ServiceAway, match="is not asked any more, because the server is stopping"):
            await services["it"].get("/")
        assert len(it.asked) == 5
