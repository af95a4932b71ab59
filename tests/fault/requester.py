"""Somebody who sends messages by REST, over connections that are kept."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from uuid import uuid4

import httpx

from tests.fault.crowd import Person
from tests.people import NO_TLS


class Requester:
    """Sends messages by REST over connections that it keeps, each again with its id until it is acknowledged."""

    def __init__(self, person: Person, room: int, ports: Sequence[int]) -> None:
        self.outcomes: Counter[str] = Counter()
        self.failures: list[tuple[float, str]] = []  # when, and what
        self.acknowledged: dict[str, int] = {}
        self.longest_s = 0.0
        self._person = person
        self._room = room
        self._ports = list(ports)

    async def write(self, enough: asyncio.Event) -> None:
        headers = {"Authorization": f"Bearer {self._person.token}"}
        async with httpx.AsyncClient(headers=headers, verify=NO_TLS, trust_env=False) as http:
            while not enough.is_set():
                message = {"body": "by REST", "client_id": str(uuid4())}
                began = time.monotonic()
                while not await self._try(http, message):
                    self._ports.reverse()
                    await asyncio.sleep(0.05)
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                await asyncio.sleep(0.03)

    async def _try(self, http: httpx.AsyncClient, message: dict[str, str]) -> bool:
        address = f"http://127.0.0.1:{self._ports[0]}/api/v1.0/rooms/{self._room}/messages"
        try:
            answer = await http.post(address, json=message)
        except httpx.ConnectError:
            return self._failed("refused")
        except httpx.TransportError as error:
            return self._failed(type(error).__name__)
        if answer.status_code != 201:
            return self._failed(str(answer.status_code), answer.text)
        self.outcomes["201"] += 1
        self.acknowledged[message["client_id"]] = answer.json()["seq"]
        return True

    def _failed(self, outcome: str, why: str = "") -> bool:
        self.outcomes[outcome] += 1
        self.failures.append((time.monotonic(), f"{outcome} {why}"))
        return False
