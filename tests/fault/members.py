"""Those who write and those who read in a load, and a fresh reader of everything."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from tests.fault.clients import GONE, PAUSE_S, Attempt, Client, Socket
from tests.fault.crowd import Person
from tests.fault.history import History, key_of
from tests.realtime.wire import Line

PAGE = 200


class Writer(Client):
    """Sends one message after the other, or a few at once, each again with the same id until the outcome is known."""

    def __init__(self, *given: Any, history: History, rate_per_s: float) -> None:
        super().__init__(*given)
        self.history = history
        self.rate_per_s = rate_per_s
        self.sent = 0

    async def write(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            burst = 4 if self.chance.random() < 0.1 else 1
            socket = await self.connected()
            await asyncio.gather(*(self._send_until_known(socket) for _ in range(burst)))
            await asyncio.sleep(self.chance.expovariate(self.rate_per_s / burst))

    async def _send_until_known(self, socket: Socket) -> None:
        self.sent += 1
        event = {"client_id": str(uuid4()), "body": f"{self.name} {self.sent}"}
        while not await self.try_to_send(socket, event):
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))
            socket = await self.connected()

    async def try_to_send(self, socket: Socket, event: dict[str, str]) -> bool:
        """Whether the outcome is known now."""
        key, started, port = key_of(event), time.monotonic(), self.port
        self.history.send("invoke", self.name, self.room, key, line=socket.name)
        try:
            reply = await socket.answer(
                "rpc", method="messages.send", data={"room_id": self.room, **event}, within_s=self.answer_s
            )
            outcome = f"refused {reply['error']['code']}" if "error" in reply else "ok"
        except GONE:
            outcome, reply = await self._unanswered(socket), {}
        self.notes.attempts.append(Attempt(started, time.monotonic() - started, port, outcome))
        if outcome == "ok":
            self.history.send("ok", self.name, self.room, key, offset=reply["rpc"]["data"]["seq"])
        elif "error" in reply and not reply["error"].get("temporary"):
            self.history.send("fail", self.name, self.room, key)
        else:
            self.history.send("info", self.name, self.room, key)
            return False
        return True

    async def _unanswered(self, socket: Socket) -> str:
        if not socket.is_open:
            return f"closed {socket.socket.close_code or 1006}"
        if self.socket is socket:
            await self._lose()  # as a client does that hears nothing: it tries elsewhere
            self.port = self.chance.choice(self.ports)
        return "no answer"


class Reader(Client):
    """Listens to one room, and goes on from its last position wherever it comes back."""

    def __init__(self, *given: Any, history: History, patience_s: float = 10.0) -> None:
        super().__init__(*given)
        self.history = history
        self.patience_s = patience_s  # beyond the time between two pings
        self.offset: int | None = None
        self.epoch = ""
        self._early: list[Line] | None = None  # came while the past is still being read

    async def read(self) -> None:
        """Until it is cancelled. A server that does not even ping is left."""
        while True:
            socket = await self.connected()
            await asyncio.sleep(0.1)
            if time.monotonic() - socket.heard_at > self.ping_s + self.patience_s:
                await self._lose()
                self.port = self.chance.choice(self.ports)

    def position(self) -> dict[str, Any]:
        if self.offset is None:
            return {}
        return {"subs": {self.channel: {"recover": True, "offset": self.offset, "epoch": self.epoch}}}

    def arrives(self, socket: Socket) -> None:
        self._early = []
        socket.on_publication = self._hear

    async def welcome(self, socket: Socket, result: Line) -> None:
        sub = result["subs"][self.channel]
        if self.offset is None or self.epoch != sub["epoch"]:
            self.offset, self.epoch = sub["offset"], sub["epoch"]
            self.history.seek(self.name, self.room, sub["offset"])
        elif not sub.get("recovered"):
            self.notes.reloads += 1
            await self._page_up_to(socket, sub["offset"])
        else:
            self._show(sub.get("publications", []))
        early, self._early = self._early or [], None
        self._show(early)

    async def _page_up_to(self, socket: Socket, head: int) -> None:
        while self.offset is not None and self.offset < head:
            since = {"offset": self.offset, "epoch": self.epoch}
            reply = await socket.answer("history", channel=self.channel, limit=PAGE, since=since)
            if "error" in reply or not reply["history"].get("publications"):
                raise ConnectionError(reply)
            found = [each for each in reply["history"]["publications"] if each["offset"] <= head]
            self._show(found)

    def _hear(self, channel: str, publication: Line) -> None:
        if channel != self.channel:
            return
        if self._early is not None:
            self._early.append(publication)
        else:
            self._show([publication])

    def _show(self, publications: Sequence[Line]) -> None:
        for publication in publications:
            self.history.poll(self.name, self.room, publication["offset"], key_of(publication["data"]))
            self.offset = publication["offset"]


async def whole_log(person: Person, room: int, port: int) -> list[tuple[int, str]]:
    """The log of a room, read from its beginning by somebody who has seen nothing of it."""
    socket = await Socket.open(port)
    try:
        await socket.answer("connect", token=person.token)
        found: list[tuple[int, str]] = []
        since: dict[str, Any] = {"offset": 0, "epoch": ""}
        while True:
            reply = await socket.answer("history", channel=f"room:{room}", limit=PAGE, since=since)
            page = reply["history"].get("publications", [])
            if not page:
                return found
            found += [(each["offset"], key_of(each["data"])) for each in page]
            since = {"offset": found[-1][0], "epoch": reply["history"]["epoch"]}
    finally:
        await socket.leave()
