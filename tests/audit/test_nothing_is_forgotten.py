"""Each action is an entry of the audit log, or it is said here why not."""

from typing import Any

import pytest

from folkmoot.actions import Action
from scripts.permissions import ours

READS = "changes nothing"
OF_ONES_OWN = "changes what is the caller's own, and lets nobody do more or less"
TALK = "what is said, and who comes and goes by themselves, is in the log of the room"

NOT_NOTED = {
    "accounts.hello": READS,
    "accounts.people": READS,
    "accounts.accounts": READS,
    "notices.try_out": "sends a letter to whoever asks for it",
    "resets.offer": READS,
    "resets.ask": "a stranger may ask for letters, and nothing changes until the link in one is used",
    "resets.look": READS,
    "sessions.current": READS,
    "sessions.mine": READS,
    "sessions.ticket": "opens a socket of a session that is there",
    "twofactor.state": READS,
    "twofactor.check": "asks about a code, and lets nobody in",
    "tokens.mine": READS,
    "bots.bots": READS,
    "bots.tokens": READS,
    "rooms.mine": READS,
    "rooms.directory": READS,
    "rooms.get": READS,
    "rooms.members": READS,
    "rooms.create": TALK,
    "rooms.join": TALK,
    "rooms.leave": TALK,
    "messages.send": TALK,
    "messages.history": READS,
    "messages.mark_read": OF_ONES_OWN,
    "commands.available": READS,
    "commands.run": TALK,
    "commands.describe": READS,
    "commands.me": TALK,
    "commands.invite": "performs rooms.add, which is noted",
    "incoming.hooks": READS,
    "incoming.post": TALK,
    "jobs.counts": READS,
    "jobs.failed": READS,
    "jobs.unfinished": READS,
    "webhooks.hooks": READS,
    "services.health": READS,
    "audit.entries": READS,
}


@pytest.mark.parametrize("action", ours(), ids=lambda action: action.method)
def test_every_action_is_noted_or_it_is_said_why_not(action: Action[Any, Any]) -> None:
    assert action.audits != (action.method in NOT_NOTED), (
        f"Declare {action.method} with audits=True and call.note(...) where it changes something, or say here why not."
    )


def test_only_actions_that_are_there_are_excused() -> None:
    assert set(NOT_NOTED) <= {action.method for action in ours()}
