"""People who go on talking while a server is upgraded under them: what was acknowledged, and what was heard."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.realtime.wire import Wire

EVERY_S = 0.2
AGAIN_S = 0.3
PATIENCE_S = 5.0
TO_THE_END_S = 60.0


@dataclass
class Conversation:
    """One says numbers, each until it is acknowledged; another listens, and comes back with its position."""

    url: str
    token: str
    room_id: int
    acknowledged: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    position: dict[str, Any] = field(default_factory=dict)
    reconnects: int = -1
    longest_gap_s: float = 0.0
    _ends: bool = False
    _said_all: bool = False

    @property
    def channel(self) -> str:
        return f"room:{self.room_id}"

    async def talk(self) -> None:
        while self.reconnects < 0:  # what is said before somebody listens is nobody's to hear
            await asyncio.sleep(0.05)
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE_S, trust_env=False) as http:
            while not self._ends:
                body = f"message {len(self.acknowledged) + 1}"
                said = {"body": body, "client_id": str(uuid4())}
                began = time.monotonic()
                while not await self._is_taken(http, said):
                    await asyncio.sleep(AGAIN_S)
                self.acknowledged.append(body)
                self.longest_gap_s = max(self.longest_gap_s, time.monotonic() - began)
                await asyncio.sleep(EVERY_S)
        self._said_all = True

    async def _is_taken(self, http: httpx.AsyncClient, said: dict[str, str]) -> bool:
        with suppress(httpx.HTTPError):
            answer = await http.post(f"/api/v1.0/rooms/{self.room_id}/messages", json=said)
            return answer.status_code in {200, 201}
        return False

    async def listen(self) -> None:
        while not self._has_heard_all:
            with suppress(Exception):  # however a socket ends when its server goes: it comes back
                await self._listen_once()
            await asyncio.sleep(AGAIN_S)

    async def open(self) -> Wire:
        """A socket, by the name that the server goes by: it answers to no other."""
        url = httpx.URL(self.url)
        return await asyncio.wait_for(Wire.open(url.port or 80, host=url.host), PATIENCE_S)

    async def _listen_once(self) -> None:
        wire = await self.open()
        seen = 0
        try:
            wanted = {"recover": True, **self.position} if self.position else {}
            sub = (await wire.connect(self.token, subs={self.channel: wanted}))["subs"][self.channel]
            self.reconnects += 1
            for pub in sub.get("publications", []):
                self._hear(pub)
            self.position = {"epoch": sub["epoch"], "offset": sub["offset"]}
            while wire.socket.close_code is None or seen < len(wire.of(self.room_id)):
                for pub in wire.of(self.room_id)[seen:]:
                    seen += 1
                    self._hear(pub)
                    self.position["offset"] = pub["offset"]
                await asyncio.sleep(0.05)
                if self._has_heard_all:
                    return
        finally:
            await wire.vanish()

    @property
    def _has_heard_all(self) -> bool:
        return self._said_all and self.heard[-1:] == self.acknowledged[-1:]

    def _hear(self, pub: dict[str, Any]) -> None:
        if pub["data"].get("kind", "message") == "message":
            self.heard.append(pub["data"]["body"])

    async def kept(self) -> list[str]:
        """What a page that is loaded now shows of it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        bodies: list[str] = []
        async with httpx.AsyncClient(base_url=self.url, headers=headers, timeout=20, trust_env=False) as http:
            after = 0
            while events := (await http.get(f"/api/v1.0/rooms/{self.room_id}/events?after={after}")).json()["events"]:
                bodies += [event["body"] for event in events if event["kind"] == "message"]
                after = events[-1]["seq"]
        return bodies

    def end(self) -> None:
        self._ends = True


@asynccontextmanager
async def conversing(talk: Conversation) -> AsyncIterator[Conversation]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
        group.create_task(talk.talk())
        group.create_task(talk.listen())
        try:
            yield talk
        finally:
            talk.end()
            limit.reschedule(loop.time() + TO_THE_END_S)
