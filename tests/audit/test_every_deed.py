"""Whatever is to be in the audit log is done once, and found there: each action that says so has its deed."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from folkmoot.app import Node
from folkmoot.laptop import Servers
from scripts.permissions import ours
from tests.audit import deeds_of_admins, deeds_of_members  # noqa: F401  # where they are declared
from tests.audit.scene import BETTER, DEEDS, Scene
from tests.audit.words import entry
from tests.conftest import Start
from tests.databases import database_of_our_own
from tests.people import PASSWORD, enrol, visiting
from tests.twofactor.phone import KEYS


@pytest.fixture(scope="module")
async def own_database(database_servers: Servers) -> AsyncIterator[str]:
    """Its jobs are nobody else's."""
    async with database_of_our_own(database_servers.dsn) as dsn:
        yield dsn


@pytest.fixture(scope="module")
async def node(start: Start, own_database: str) -> AsyncIterator[Node]:
    hooks = {"webhook_networks": ("127.0.0.0/8",)}
    async with start(database_url=SecretStr(own_database), keys=SecretStr(KEYS), **hooks) as started:
        yield started


@pytest.mark.parametrize("action", [action.method for action in ours() if action.audits])
async def test_what_is_done_is_found(node: Node, own_database: str, action: str) -> None:
    assert action in DEEDS, (
        f"{action} is to be in the audit log: do it once in deeds_of_members.py or deeds_of_admins.py."
    )
    async with (
        enrol(node, "Ada", "admin") as ada,
        enrol(node, "Bob") as bob,
        visiting(node) as visitor,
        enrol(node, "Reader", "admin") as reader,
    ):
        wanted = await DEEDS[action](Scene(node, ada, bob, visitor, own_database))
        found = await entry(reader, what=action, outcome="done", **wanted)
        assert (found["action"], found["times"], found["address"]) == (action, 1, "127.0.0.1")
        assert found["request_id"]
        assert not [secret for secret in (PASSWORD, BETTER, ada.token, bob.token) if secret in str(found)]


def test_only_deeds_that_are_written_down_are_here() -> None:
    assert set(DEEDS) <= {action.method for action in ours() if action.audits}
