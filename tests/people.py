"""People who use a node as programs do: over real HTTP, with a token."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast
from uuid import uuid4

import httpx

from folkmoot.actions import Call
from folkmoot.app import Node
from folkmoot.commands import OPERATOR
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.accounts.passwords import HASHER, Passwords
from folkmoot.modules.rooms.schemas import Visibility
from folkmoot.modules.sessions.actions import open_session
from folkmoot.modules.sessions.schemas import User

PASSWORD = "correct horse battery"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # clients would read all certificates of the machine otherwise


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

    async def events(self, room_id: int) -> list[dict[str, Any]]:
        """The newest page of what happened in the room, oldest first."""
        answer = await self.http.get(f"/api/v1.0/rooms/{room_id}/events")
        events: list[dict[str, Any]] = answer.json()["events"]
        return events

    async def say(self, room_id: int, body: str, client_id: str | None = None) -> dict[str, object]:
        answer = await self.http.post(
            f"/api/v1.0/rooms/{room_id}/messages", json={"body": body, "client_id": client_id or str(uuid4())}
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


class HashedBefore:
    """In place of the passwords of a node: the hash of the one that all have, which takes long, is made once."""

    async def hash(self, password: str) -> str:
        assert password == PASSWORD
        return hashed()


@cache
def hashed() -> str:
    return HASHER.hash(PASSWORD)


@asynccontextmanager
async def enrol(node: Node, name: str, role: str = "member") -> AsyncIterator[Member]:
    """A new account, signed in."""
    email = f"{''.join(filter(str.isalnum, name.lower()))[:20]}-{uuid4().hex[:8]}@example.org"
    given = {"email": email, "name": name, "password": PASSWORD, "role": role}
    core = replace(node.core, passwords=cast("Passwords", HashedBefore()))
    account = await accounts.add.perform(Call(core, OPERATOR), given)
    # As signing in does once the password fits. Hashing it again for each member would take most of the time.
    user = User(id=account.id, email=email, name=name, role=account.role)
    call = Call(node.core, address="127.0.0.1", user_agent="tests")
    async with node.core.database.transaction() as connection:
        opened = await open_session(connection, call, user, "program")
    assert opened is not None
    grant, _ = opened
    async with visiting(node, grant.token) as http:
        yield Member(node, account.id, name, email, grant.token, http)


@asynccontextmanager
async def visiting(node: Node, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the node."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = f"http://127.0.0.1:{node.port}"
    async with httpx.AsyncClient(base_url=address, headers=headers, verify=NO_TLS, trust_env=False) as client:
        yield client


@dataclass
class Browser:
    """A browser that shows our page: it keeps the cookie, and sends along what our page does."""

    node: Node
    http: httpx.AsyncClient

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        answer = await self.http.post("/api/v1.0/session", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return answer

    @property
    def token(self) -> str:
        """What the cookie holds."""
        return str(self.http.cookies["sid"])


@asynccontextmanager
async def browsing(node: Node) -> AsyncIterator[Browser]:
    async with visiting(node) as http:
        http.headers["X-Requested-With"] = "folkmoot"
        yield Browser(node, http)


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Checks that the answer is a problem of that status and code, in the one shape, and returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"] == f"urn:folkmoot:error:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


@asynccontextmanager
async def token_of(member: Member, *scopes: str) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client with a token that the member made for these scopes."""
    answer = await member.http.post("/api/v1.0/tokens", json={"name": "A program", "scopes": scopes})
    assert answer.status_code == 201, answer.text
    async with visiting(member.node, answer.json()["token"]) as http:
        yield http


@asynccontextmanager
async def enrol_bot(admin: Member, name: str, *scopes: str) -> AsyncIterator[Member]:
    """A new bot with a token for these scopes."""
    bot = (await admin.http.post("/api/v1.0/bots", json={"name": name})).json()
    given = {"name": "Its token", "scopes": scopes or ("all",)}
    answer = await admin.http.post(f"/api/v1.0/bots/{bot['id']}/tokens", json=given)
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    async with visiting(admin.node, token) as http:
        yield Member(admin.node, bot["id"], name, "", token, http)
