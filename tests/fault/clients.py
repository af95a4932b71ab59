"""Clients of a load: they come back when they are cut off, and write down what happens to them."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.fault.crowd import Person
from tests.realtime.wire import Line, Wire

ANSWER_S = 5.0  # as the SDKs: then the outcome of a command is unknown
OPEN_S = 3.0
PAUSE_S = (0.05, 0.4)  # before coming back; short, because the runs are
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
