"""A node that has a key for secrets, and people with a second factor."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from tests.conftest import Start
from tests.people import Member
from tests.twofactor.phone import KEYS, Careful, turn_on


@pytest.fixture(scope="session")
async def node(start: Start) -> AsyncIterator[Node]:
    """A node that all these tests share."""
    async with start(keys=SecretStr(KEYS), grpc_port=0) as started:
        yield started


@pytest.fixture
async def careful(ada: Member) -> Careful:
    """Ada, with two-step sign-in."""
    return await turn_on(ada)
