"""What an entry holds, and what it never does: secrets, more of an address than is wanted, or a line of its own."""

import json
from typing import Any

import asyncpg
import pytest

from folkmoot.actions import Call, Caller
from folkmoot.app import Node
from folkmoot.audit.entry import Target
from folkmoot.telemetry.clean import Addresses
from tests.audit.words import AUDIT, entry
from tests.conftest import Start
from tests.people import PASSWORD, Member, enrol, visiting

Table = asyncpg.Connection

# What a log could take for the end of a line, a terminal for a command, and a person for something else.
INJECTIONS = [
    "a\r\nfake line",
    'a\n{"action": "accounts.disable"}',
    "a\x1b[2J\x1b]0;owned\x07",
    "a\x00b",
    "a\x85b\u2028c\u2029d",
    "a\u202egnp.exe",
    "\u2066a\u2069",
    "a\x08\x08\x7f",
    '=HYPERLINK("https://evil.example")\r',
    "\ud800",
]
FORBIDDEN = set("\r\n\x00\x07\x08\x1b\x7f\x85\u2028\u2029\u202e\u2066\u2069\ud800")


@pytest.mark.parametrize("injected", INJECTIONS, ids=ascii)
async def test_no_text_is_more_than_text(node: Node, admin: Member, injected: str) -> None:
    """S40: whatever comes from outside is one line, in the answer, in the export, and at a terminal."""
    caller = Caller(admin.id, injected, "admin", 1, 60.0)
    async with node.core.database.transaction() as connection:
        call = Call(node.core, caller, "127.0.0.1", injected)
        about = Target("token", admin.id, injected)
        await call.note(connection, about, action="tests.inject", said=injected, listed=[injected])
    found = await entry(admin, what="tests.inject", who=admin.id)
    kept = [found["actor_name"], found["user_agent"], found["target_name"], *found["details"]["listed"]]
    for text in [*kept, found["details"]["said"]]:
        assert text
        assert not FORBIDDEN & set(text), ascii(text)
    exported = await admin.http.get(f"{AUDIT}/export", params={"what": "tests.inject", "who": admin.id})
    assert len(exported.content.splitlines()) == exported.text.count("\n") == 1
    assert json.loads(exported.text) == found


async def test_it_is_not_endless(node: Node, admin: Member) -> None:
    async with node.core.database.transaction() as connection:
        call = Call(node.core, Caller(admin.id, "x" * 10_000, "admin", 1, 60.0), "127.0.0.1", "y" * 10_000)
        await call.note(connection, action="tests.long", said="z" * 10_000)
    found = await entry(admin, what="tests.long", who=admin.id)
    assert max(len(found["actor_name"]), len(found["user_agent"]), len(found["details"]["said"])) <= 300


@pytest.mark.parametrize(
    ("kept", "seen"), [("full", "127.0.0.1"), ("network", "127.0.0.0"), ("none", None)], ids=["full", "network", "none"]
)
async def test_as_much_of_an_address_is_kept_as_in_the_logs(
    start: Start, admin: Member, kept: Any, seen: str | None
) -> None:
    async with start(log_addresses=kept) as node, enrol(node, "Ida", "admin") as ida:
        await ida.http.post(f"/api/v1.0/accounts/{ida.id}/enable")
        await ida.http.get("/api/v1.0/sessions/1x")
        found = await entry(ida, who=ida.id, what="accounts.enable")
    line = Addresses(kept)(None, "", {"address": "127.0.0.1"})
    assert found["address"] == line["address"] == seen


async def test_no_secret_is_in_it(admin: Member, ada: Member, database: Table) -> None:
    """Passwords, tokens, codes and the secrets of hooks: what was given and what was made."""
    room_id = await admin.make_room()
    secrets = [PASSWORD, "another long password", "no code of hers", ada.token, admin.token]
    async with visiting(ada.node) as http:
        for password in (PASSWORD, "another long password"):
            answer = await http.post("/api/v1.0/user/auth", json={"email": ada.email, "password": password})
            secrets += [answer.json()["data"]["access_token"]] if answer.status_code == 200 else []
    made = await ada.http.post("/api/v1.0/tokens", json={"name": "Mine", "scopes": ["all"]})
    secrets.append(made.json()["token"])
    hook = await admin.http.post("/api/v1.0/incoming-hooks", json={"room_id": room_id, "name": "Alerts"})
    secrets.append(hook.json()["address"].rpartition("/")[2])
    given = {"user_id": ada.id, "password": "another long password"}
    await admin.http.put(f"/api/v1.0/accounts/{ada.id}/password", json={"password": given["password"]})
    await admin.http.post("/api/v1.0/session/confirm", json={"code": "no code of hers"})
    await entry(admin, who=admin.id, what="sessions.confirm", outcome="refused")
    kept = await database.fetch("SELECT to_jsonb(audit_entries)::text AS line FROM audit_entries")
    everything = "\n".join(row["line"] for row in kept)
    assert "accounts.set_password" in everything
    for secret in secrets:
        assert secret
        assert secret not in everything
