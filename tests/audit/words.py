"""What tests of the audit log ask for."""

import asyncio
from typing import Any

from tests.people import Member

AUDIT = "/api/v1.0/audit"
PATIENCE_S = 20


async def entries(admin: Member, **wanted: str | int) -> list[dict[str, Any]]:
    """The newest entries that are wanted."""
    answer = await admin.http.get(AUDIT, params={"limit": 200, **wanted})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["entries"])


async def entry(admin: Member, **wanted: str | int) -> dict[str, Any]:
    """The newest entry that is wanted, as soon as there is one: refusals are written a moment later."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await entries(admin, **wanted)):
            await asyncio.sleep(0.01)
    return found[0]
