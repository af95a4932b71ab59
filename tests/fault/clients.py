"""Clients of a load: they come back when they are cut off, recover by offset, and write down what happens to them."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.fault.crowd import Person
from tests.fault.history import History, key_of
from tests.realtime.wire import Line, Wire

ANSWER_S = 5.0  # as the SDKs: then the outcome of a command is unknown
OPEN_S = 3.0
PAUSE_S = (0.05, 0.4)  # before coming back; short, because the runs are
PAGE = 200
_lines = count(1)
GONE = (OSError, TimeoutError, InvalidHandshake, ConnectionClosed, EOFError)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send one message."""

    at: float
    took_s: float
    port: int
    outcome: str  # "ok", "refused 503", "closed 3001", "no answer"


@dataclass(frozen=True, slots=True)
class Ending:
    """A connection that ended, or never began, by itself."""

    at: float
    port: int
    code: int  # 1006: without a word; 0: never opened


@dataclass(frozen=True, slots=True)
class Comeback:
    at: float
    took_s: float
    port: int
    stays: bool  # somebody who goes nowhere else


@dataclass
class Notes:
    """What the clients of one load saw, beside the history."""

    attempts: list[Attempt] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    comebacks: list[Comeback] = field(default_factory=list)
    reloads: int = 0  # times that a reader was told `recovered: false`
    signed_out: list[str] = field(default_factory=list)


class Socket(Wire):
    """A socket that hands on what it hears instead of remembering it."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.name = f"line {next(_lines)}"
        self.heard_at = time.monotonic()
        self.on_publication: Callable[[str, Line], None] = lambda channel, publication: None

    async def _take(self, line: Line) -> None:
        self.heard_at = time.monotonic()
        push = line.get("push", {})
        if "pub" in push:
            self.on_publication(push["channel"], push["pub"])
            return
        await super()._take(line)
        self.lines.clear()
        self.pushes.clear()

    async def answer(self, command: str, /, within_s: float = ANSWER_S, **request: Any) -> Line:
        """The reply, within the time that clients wait. It is forgotten afterwards."""
        async with asyncio.timeout(within_s):
            line = self.command(command, **request)
            await self.say(line)
            reply = await self.reply(line["id"])
        del self.replies[line["id"]]
        return reply

    async def reply(self, command_id: int) -> Line:
        try:
            await self.hears(lambda: command_id in self.replies, ANSWER_S)
        except AssertionError as closed:
            raise ConnectionError(str(closed)) from None
        return self.replies[command_id]

    @property
    def is_open(self) -> bool:
        return not self._reader.done()


class Client:
    """Somebody with a session, on one of several nodes at a time."""

    def __init__(
        self, name: str, person: Person, room: int, ports: Sequence[int], chance: random.Random, notes: Notes
    ) -> None:
        self.name = name
        self.person = person
        self.room = room
        self.channel = f"room:{room}"
        self.ports = list(ports)
        self.notes = notes
        self.chance = chance
        self.port = self.ports[0]
        self.socket: Socket | None = None
        self.ping_s = 25.0
        self.answer_s = ANSWER_S
        self._lost_at: float | None = None
        self._connecting = asyncio.Lock()

    @property
    def is_connected(self) -> bool:
        return self.socket is not None and self.socket.is_open

    async def connected(self) -> Socket:
        """Its socket; a new one, on whatever node answers, when the old one is gone."""
        async with self._connecting:
            while not self.is_connected:
                try:
                    await self._connect()
                except GONE:
                    await self._lose()
                    self.port = self.chance.choice(self.ports)
                    await asyncio.sleep(self.chance.uniform(*PAUSE_S))
        assert self.socket is not None
        return self.socket

    async def _connect(self) -> None:
        if self.socket is not None:
            await self._lose()
        try:
            async with asyncio.timeout(OPEN_S):
                self.socket = await Socket.open(self.port)
        except GONE:
            self.notes.endings.append(Ending(time.monotonic(), self.port, 0))
            raise
        self.arrives(self.socket)
        reply = await self.socket.answer("connect", token=self.person.token, **self.position())
        if "error" in reply:
            self._look_at_refusal(reply["error"])
            raise ConnectionError(reply["error"])
        self.ping_s = float(reply["connect"]["ping"])
        await self.welcome(self.socket, reply["connect"])
        if self._lost_at is not None:
            now = time.monotonic()
            self.notes.comebacks.append(Comeback(now, now - self._lost_at, self.port, len(self.ports) == 1))
            self._lost_at = None

    def _look_at_refusal(self, error: Line) -> None:
        if not error.get("temporary"):
            self.notes.signed_out.append(f"{self.name}: {error}")

    async def _lose(self) -> None:
        """Notes how the socket ended, or ends it without a word."""
        if self._lost_at is None:
            self._lost_at = time.monotonic()
        socket, self.socket = self.socket, None
        if socket is None:
            return
        was_open = socket.is_open
        with suppress(*GONE):
            await socket.vanish()
        code = 1006 if was_open else socket.socket.close_code or 1006
        self.notes.endings.append(Ending(time.monotonic(), self.port, code))
        if code >= 3500:
            self.notes.signed_out.append(f"{self.name}: closed with {code}")

    async def leave(self) -> None:
        socket, self.socket = self.socket, None
        if socket is not None:
            with suppress(*GONE):
                await socket.vanish()

    def arrives(self, socket: Socket) -> None:
        """The socket is open, and nothing was said on it yet."""

    def position(self) -> dict[str, Any]:
        """What it says of the past when it connects."""
        return {}

    async def welcome(self, socket: Socket, result: Line) -> None:
        """The server knows who it is."""


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
