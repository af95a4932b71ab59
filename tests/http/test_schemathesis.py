"""Requests that schemathesis makes up from our own document: every answer must be one that the document promises."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from folkmoot.app import Node
from folkmoot.modules.rooms import store
from tests.people import Member

CONFIGURATION = """
[generation]
max-examples = 12
deterministic = true

[parameters]
"path.room_id" = {room}

# What no schema says: that a name is no e-mail address, that a text is blank, that a scope is no action of ours.
[[operations]]
include-operation-id-regex = "^(accounts_(add|sign_in.*)|bots_.*|(actions_)?rooms_create|messages_.*|tokens_issue)$"
checks.positive_data_acceptance.enabled = false

# Nor that a command must be one that there is, and what the address of a webhook is like.
[[operations]]
include-operation-id-regex = "^(commands_run|incoming_make|webhooks_add)$"
checks.positive_data_acceptance.enabled = false

# Nor that it is either a password or a code.
[[operations]]
include-operation-id = "sessions_confirm"
checks.positive_data_acceptance.enabled = false

# What this server was not given, and says: how to send mail, and a key for secrets.
[[operations]]
include-operation-id-regex = "^(notices_try_out|resets_ask|twofactor_enrol)$"
checks.not_a_server_error.enabled = false
checks.positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = "rooms_leave"
parameters = {{ "path.room_id" = {left} }}
"""
# Each would end the session that asks, or shut accounts that other tests use. Of the doors that every action has, which
# are one and the same but for their schemas, these few are asked.
NOT_ASKED = (
    "^(sessions_revoke|sessions_sign_out|accounts_set_password|accounts_disable"
    "|actions_(?!(rooms_(mine|get|create)|messages_mark_read)$).*)$"
)


async def document_of(member: Member) -> dict[str, object]:
    """The server's own document, for a program: sending the cookie beside the token is a mistake of its own."""
    document = (await member.http.get("/api/openapi.json")).json()
    del document["components"]["securitySchemes"]["cookie"]
    for path in document["paths"].values():
        for operation in path.values():
            operation["security"] = [way for way in operation["security"] if "cookie" not in way]
    return dict(document)


async def run(node: Node, member: Member, folder: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    (folder / "openapi.json").write_text(json.dumps(await document_of(member)))
    room, left = await member.make_room(), await member.make_room()
    (folder / "schemathesis.toml").write_text(CONFIGURATION.format(room=room, left=left))
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file", str(folder / "schemathesis.toml"), "--no-color",
        "run", str(folder / "openapi.json"), "--url", f"http://127.0.0.1:{node.port}",
        "--header", f"Authorization: Bearer {member.token}",
        "--phases", "examples,coverage,fuzzing",
        "--exclude-operation-id-regex", NOT_ASKED,
        "--request-timeout", "10", *more,
    ]  # fmt: skip
    return await asyncio.to_thread(
        subprocess.run, command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


async def test_no_made_up_request_gets_an_answer_that_the_document_does_not_promise(
    node: Node, admin: Member, tmp_path: Path
) -> None:
    done = await run(node, admin, tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested, done.stdout
    assert int(tested[1]) >= 18
    made = re.search(r"(\d+) generated", done.stdout)
    assert made, done.stdout
    assert int(made[1]) >= 300


async def test_a_fault_would_be_found(node: Node, ada: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fault(*_: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(store, "of_user", fault)
    done = await run(node, ada, tmp_path, "--include-operation-id", "rooms_mine")
    assert done.returncode == 1
    assert "Server error" in done.stdout
