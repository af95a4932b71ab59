import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.examples.programs import Program, gunicorn, service


@pytest.fixture(scope="session")
async def hellos() -> AsyncIterator[dict[str, Program]]:
    """The services that greet, by kind."""
    uvicorn = (sys.executable, "-m", "uvicorn", "--port", "{port}", "app:app")
    own_config = (sys.executable, "-m", "gunicorn", "app:app")
    async with AsyncExitStack() as running:
        yield {
            "flask": await running.enter_async_context(service("hello-flask", *gunicorn())),
            "fastapi": await running.enter_async_context(service("hello-fastapi", *uvicorn)),
            "node": await running.enter_async_context(service("hello-node", "node", "server.mjs", PORT="{port}")),
            "rest": await running.enter_async_context(service("rest-service", *own_config, BIND="127.0.0.1:{port}")),
        }
