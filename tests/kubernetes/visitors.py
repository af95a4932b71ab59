"""People who come through the front: they sign in, talk, and look at the page, and count what they are answered."""

import asyncio
import secrets
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from tests.fault.crowd import Person
from tests.people import NO_TLS

ANSWER_S = 15.0


@dataclass(frozen=True)
class Front:
    """The door, and somebody who may make accounts."""

    port: int
    admin: httpx.AsyncClient

    def visiting(self, token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        address = f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=address, headers=headers, verify=NO_TLS, trust_env=False, timeout=ANSWER_S)

    async def sign_in(self, email: str, password: str) -> str:
        async with self.visiting() as http:
            answer = await http.post("/api/v1.0/user/auth", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["access_token"])

    async def sign_in_as_admin(self, email: str, password: str) -> None:
        self.admin.headers["Authorization"] = f"Bearer {await self.sign_in(email, password)}"

    async def people(self, count: int) -> list[Person]:
        """New accounts, each signed in as people do."""
        return [await self._person() for _ in range(count)]

    async def _person(self) -> Person:
        email, password = f"{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(12)
        account = {"email": email, "name": "Somebody", "password": password, "role": "member"}
        made = await self.admin.post("/api/v1.0/accounts", json=account)
        assert made.status_code == 201, made.text
        return Person(int(made.json()["id"]), await self.sign_in(email, password))

    async def room(self, *members: Person) -> int:
        made = await self.admin.post("/api/v1.0/rooms", json={"name": "Harbour", "visibility": "open"})
        assert made.status_code == 201, made.text
        room_id = int(made.json()["id"])
        for person in members:
            async with self.visiting(person.token) as http:
                joined = await http.post(f"/api/v1.0/rooms/{room_id}/join")
                assert joined.status_code == 200, joined.text
        return room_id


class Onlooker:
    """Asks for this and that, half of the time over a connection of its own, and counts the answers."""

    def __init__(self, front: Front, token: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self.failures: list[tuple[float, str]] = []  # when, and what
        self._front = front
        self._token = token

    async def look(self, enough: asyncio.Event) -> None:
        async with self._front.visiting(self._token) as kept:
            while not enough.is_set():
                for path in ("/", "/api", "/api/v1.0/rooms"):
                    await self._ask(kept, path)
                    async with self._front.visiting(self._token) as fresh:
                        await self._ask(fresh, path)
                await asyncio.sleep(0.2)

    async def _ask(self, http: httpx.AsyncClient, path: str) -> None:
        why = ""
        try:
            answer = await http.get(path)
            outcome, why = str(answer.status_code), answer.text
        except httpx.TransportError as error:
            outcome = type(error).__name__
        self.outcomes[outcome] += 1
        if outcome != "200":
            self.failures.append((time.monotonic(), f"{outcome} for {path} {why}"))
