"""The log leaves the server as JSON lines, a bounded number at a time."""

import json
from typing import Any

from tests.audit.words import AUDIT, entries, entry
from tests.people import Member, assert_problem, enrol_bot


async def lines(admin: Member, **wanted: str | int) -> list[dict[str, Any]]:
    answer = await admin.http.get(f"{AUDIT}/export", params=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_what_is_exported_is_what_is_listed_and_goes_on_before_the_last_line(admin: Member, bob: Member) -> None:
    for _ in range(3):
        await admin.http.post(f"/api/v1.0/accounts/{bob.id}/enable")
    listed = await entries(admin, who=admin.id)
    first = await lines(admin, who=admin.id, limit=2)
    rest = await lines(admin, who=admin.id, before=first[-1]["id"])
    assert first + rest == listed
    assert len(listed) == 3 + 1  # the sign-in


async def test_an_export_is_an_entry_itself(admin: Member) -> None:
    exported = await lines(admin, who=admin.id)
    found = await entry(admin, who=admin.id, what="audit.export")
    assert found["details"] == {"entries": len(exported)}


async def test_a_program_exports_with_a_token_that_was_made_for_it(admin: Member, ada: Member) -> None:
    async with enrol_bot(admin, "Archivist", "audit") as bot:
        assert_problem(await bot.http.get(f"{AUDIT}/export"), 403, "forbidden")  # a bot is no admin
    made = await admin.http.post("/api/v1.0/tokens", json={"name": "To the archive", "scopes": ["audit.export"]})
    authorized = {"Authorization": f"Bearer {made.json()['token']}"}
    assert (await ada.http.get(f"{AUDIT}/export", headers=authorized)).status_code == 200
    assert_problem(await ada.http.get(AUDIT, headers=authorized), 403, "insufficient_scope")


async def test_more_than_there_may_be_at_once_is_refused(admin: Member) -> None:
    problem = assert_problem(await admin.http.get(f"{AUDIT}/export", params={"limit": 10_001}), 400, "invalid")
    assert set(problem["errors"]) == {"limit"}
