"""nginx in front of the node that all tests share."""

from collections.abc import AsyncIterator

import pytest

from folkmoot.app import Node
from tests.nginx.front import Front, front


@pytest.fixture(scope="session")
async def entrance(node: Node, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """The way in that all tests share: no name is looked up, and nothing is limited that tests would notice."""
    address = f"127.0.0.1:{node.port}"
    async with front(
        tmp_path_factory.mktemp("entrance"),
        API_UPSTREAM=address,
        WS_UPSTREAM=address,
        RATE="10000",
        RATE_BURST="10000",
    ) as running:
        yield running
