"""People who use a node as programs do: over real HTTP, with a token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx

from folkmoot.actions import Call
from folkmoot.app import Node
from folkmoot.commands import OPERATOR
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.rooms.schemas import Visibility

PASSWORD = "correct horse battery"


@dataclass
class Member:
    """Somebody with an account, who has signed in. `http` sends their token."""

    node: Node
    id: int
    name: str
    email: str
    token: str
    http: httpx.AsyncClient

    async def make_room(self, name: str = "Garden", visibility: Visibility = "open") -> int:
        answer = await self.http.post("/api/v1.0/rooms", json={"name": name, "visibility": visibility})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    async def join(self, room_id: int) -> None:
        answer = await self.http.post(f"/api/v1.0/rooms/{room_id}/join")
        assert answer.status_code == 200, answer.text

    async def leave(self, room_id: int) -> None:
        answer = await self.http.post(f"/api/v1.0/rooms/{room_id}/leave")
        assert answer.status_code == 204, answer.text

    async def say(self, room_id: int, body: str, client_id: str | None = None) -> dict[str, object]:
        answer = await self.http.post(
            f"/api/v1.0/rooms/{room_id}/messages", json={"body": body, "client_id": client_id or str(uuid4())}
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@asynccontextmanager
async def enrol(node: Node, name: str, role: str = "member") -> AsyncIterator[Member]:
    """A new account, signed in."""
    email = f"{name.lower()}-{uuid4().hex[:8]}@example.org"
    given = {"email": email, "name": name, "password": PASSWORD, "role": role}
    account = await accounts.add.perform(Call(node.core, OPERATOR), given)
    async with visiting(node) as visitor:
        answer = await visitor.post("/api/v1.0/user/auth", json={"email": email, "password": PASSWORD})
        token = answer.json()["data"]["access_token"]
    async with visiting(node, token) as http:
        yield Member(node, account.id, name, email, token, http)


@asynccontextmanager
async def visiting(node: Node, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the node."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{node.port}", headers=headers) as client:
        yield client
