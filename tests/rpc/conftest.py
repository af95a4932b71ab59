"""A node with gRPC, and people who call it."""

from collections.abc import AsyncIterator

import grpc
import pytest

from folkmoot.app import Node
from tests.conftest import Start


@pytest.fixture(scope="session")
async def node(start: Start) -> AsyncIterator[Node]:
    """As the node of all other tests, with gRPC."""
    async with start(grpc_port=0, socket_ping_s=1.0) as started:
        yield started


@pytest.fixture
async def channel(node: Node) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{node.grpc_port}") as opened:
        yield opened


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)
