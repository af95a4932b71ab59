"""Where deeds are done that are to be in the audit log, and where they are declared."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from folkmoot.app import Node
from tests.people import Member

BETTER = "an even better passphrase"


@dataclass
class Scene:
    """Ada, an admin, and Bob, on whom she acts; and a visitor."""

    node: Node
    ada: Member
    bob: Member
    visitor: httpx.AsyncClient
    dsn: str

    async def ask(self, method: str, path: str, http: httpx.AsyncClient | None = None, **given: object) -> Any:
        """As Ada, if nobody else; it must be done."""
        answer = await (http or self.ada.http).request(method, f"/api/v1.0{path}", json=given or None)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def failed_job(self) -> int:
        connection = await asyncpg.connect(self.dsn)
        try:
            job_id = await connection.fetchval(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES ('default', 'planted', 'failed')"
                " RETURNING id"
            )
        finally:
            await connection.close()
        return int(job_id)

    async def webhook(self) -> int:
        room_id = await self.ada.make_room()
        return int((await self.ask("POST", f"/rooms/{room_id}/webhooks", url="http://127.0.0.1:9/"))["hook"]["id"])


Wanted = dict[str, str | int]
Deed = Callable[[Scene], Awaitable[Wanted]]
DEEDS: dict[str, Deed] = {}
"""By the names of actions; each gives by what its entry is found: whose deed it was, or whom it was done to."""


def deed(action: str) -> Callable[[Deed], Deed]:
    def declare(do: Deed) -> Deed:
        DEEDS[action] = do
        return do

    return declare


def by(member: Member) -> Wanted:
    return {"who": member.id}


def on(kind: str, number: int | str) -> Wanted:
    return {"target_kind": kind, "target_id": number}
