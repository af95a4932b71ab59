"""A node with gRPC, and people who call it."""

from collections.abc import AsyncIterator

import grpc
import pytest

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member
from tests.rpc.words import Program, channel_to, program_of


@pytest.fixture(scope="session")
async def node(start: Start) -> AsyncIterator[Node]:
    """As the node of all other tests, with gRPC; nothing is open."""
    async with start(grpc_port=0) as started:
        yield started


@pytest.fixture
async def channel(node: Node) -> AsyncIterator[grpc.aio.Channel]:
    async with channel_to(node) as opened:
        yield opened


@pytest.fixture
async def program(ada: Member, channel: grpc.aio.Channel) -> Program:
    """Ada's."""
    return program_of(ada, channel)
