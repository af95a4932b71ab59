"""One client of the protocol on its connection: its state, its commands in order, and its channels."""

import asyncio
import time
from collections import deque
from uuid import uuid4

import structlog

from folkmoot.actions import Caller
from folkmoot.errors import Error, NotFound
from folkmoot.realtime import codes, protocol
from folkmoot.realtime.codes import Close
from folkmoot.realtime.commands import COMMANDS, INDEPENDENT, JOINED, MESSAGES
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.engine import Engine
from folkmoot.realtime.pace import ROUNDING_S
from folkmoot.realtime.protocol import BadFrame, Refusal, Request
from folkmoot.telemetry import tracing
from folkmoot.telemetry.clean import session_hash

log = structlog.get_logger(__name__)

Command = tuple[int, str, Request]

DONE = 0  # beside the codes of refusals


class Client:
    __slots__ = (
        "_began_at",
        "_commands_full_at",
        "_connection",
        "_messages_full_at",
        "_queue",
        "_running",
        "_worker",
        "address",
        "answered",
        "caller",
        "channels",
        "engine",
        "id",
        "is_connected",
    )

    def __init__(self, engine: Engine, *, address: str, caller: Caller | None) -> None:
        self.engine = engine
        self.address = address
        self.caller = caller  # of the handshake's cookie; `connect` may name another
        self.id = uuid4().hex
        self.answered = True
        self.channels: dict[str, bool] = {}  # the channel, and whether the client itself asked for it
        self.is_connected = False
        self._connection: Connection | None = None
        # Most clients only listen, and then need none of these.
        self._queue: deque[Command] | None = None
        self._running: set[asyncio.Task[None]] | None = None
        self._worker: asyncio.Task[None] | None = None
        self._began_at = self._commands_full_at = self._messages_full_at = time.monotonic()

    # -- the connection's side

    def connected(self, connection: Connection) -> None:
        self._connection = connection
        self.engine.heartbeat.expect_introduction(self)

    def received(self, message: bytes, is_text: bool) -> None:
        self.answered = True  # whatever it says, it is there
        try:
            if not is_text:
                raise BadFrame("this server speaks JSON")
            commands = protocol.read_frame(message)
        except BadFrame as error:
            log.debug("client.bad_frame", error=str(error))
            self.close(codes.BAD_REQUEST)
            return
        for command in commands:
            self._take(command)

    def disconnected(self, close: Close | None) -> None:
        self.is_connected = False
        self._connection = None
        self._queue = None
        for task in (*(self._running or ()), *([self._worker] if self._worker else [])):
            task.cancel()
        self.engine.heartbeat.forget(self)
        for channel in list(self.channels):
            self.drop(channel)
        if self.caller is not None:
            self.engine.hub.detach(self)
        log.info(
            "socket.closed",
            close_code=close.code if close else 0,
            close_reason=close.reason if close else "lost",
            duration_s=round(time.monotonic() - self._began_at, 3),
            **self._who(),
        )

    # -- the hub's side

    @property
    def user_id(self) -> int:
        return self.signed_in.user_id

    @property
    def session_id(self) -> int:
        return self.signed_in.session_id

    @property
    def signed_in(self) -> Caller:
        """Who this is. There is no command but `connect` before it is known."""
        if self.caller is None:
            raise Refusal(codes.ErrorCode.UNAUTHORIZED, "unauthorized")
        return self.caller

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open

    def introduce(self) -> None:
        """The client said who it is, and may say everything else now."""
        self.is_connected = True
        self.engine.heartbeat.introduce(self)
        log.info("socket.connected", **self._who())

    def _who(self) -> dict[str, object]:
        """What lines about this client say of it."""
        known: dict[str, object] = {"client": self.id, "address": self.address}
        if self.caller is None:
            return known
        return {**known, "user": self.caller.user_id, "session": session_hash(self.caller.session_id)}

    @property
    def outlet(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("A client without a connection listens to nothing")
        return self._connection

    @property
    def is_busy(self) -> bool:
        """Whether a command waits for its answer."""
        return bool(self._running or self._queue or self._worker)

    def send_frame(self, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.send(frame)

    def send_lines(self, lines: list[bytes]) -> None:
        if self._connection is not None and lines:
            self._connection.send_text(b"\n".join(lines))

    def close(self, close: Close) -> None:
        if self._connection is not None:
            self._connection.close(close)

    def joined(self, channel: str) -> None:
        if channel not in self.channels:
            self._take((0, JOINED, protocol.Channel(channel)))

    def left(self, channel: str) -> None:
        self.channels.pop(channel, None)
        self.engine.presence.exit(channel, self.id)
        self.send_lines([protocol.unsubscribe_push(channel, codes.SERVER_UNSUBSCRIBE)])

    def keep(self, channel: str, *, asked: bool) -> None:
        """The client listens to the channel from now on."""
        self.channels[channel] = asked
        self.engine.presence.enter(channel, self.id, self.user_id)

    def drop(self, channel: str) -> None:
        """The client does not listen any more."""
        self.channels.pop(channel, None)
        self.engine.hub.exit(channel, self)
        self.engine.presence.exit(channel, self.id)

    # -- commands, in order

    def _take(self, command: Command) -> None:
        if self._connection is None:
            return
        if self._worker is None and self._may_start(command[1]):
            self._start(command)
            return
        if self._queue is None:
            self._queue = deque()
        self._queue.append(command)
        if len(self._queue) >= self.engine.limits.commands_in_flight:
            self._connection.pause_reading()
        if self._worker is None:
            self._worker = self.engine.spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                command = self._queue.popleft()
                if self.is_connected and command[1] in INDEPENDENT:
                    await self._wait_for_place()
                    self._start(command)
                else:
                    await self._do(command)
        finally:
            self._worker = self._queue = None
            if self._connection is not None:
                self._connection.resume_reading()

    def _may_start(self, name: str) -> bool:
        return self.is_connected and name in INDEPENDENT and self._has_place()

    def _has_place(self) -> bool:
        return self._running is None or len(self._running) < self.engine.limits.commands_in_flight

    async def _wait_for_place(self) -> None:
        while self._running and not self._has_place():
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    def _start(self, command: Command) -> None:
        if self._running is None:
            self._running = set()
        self._running.add(self.engine.spawn(self._do(command), self._ended))

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._running is not None:
            self._running.discard(task)
            self._running = self._running or None

    async def _do(self, command: Command) -> None:
        command_id, name, request = command
        if not self.is_open or (name == JOINED and not self.is_connected):
            return  # whoever was sent away has nothing more done; a failed `connect` is made again, with all rooms
        if (name == "connect") == self.is_connected:  # it comes first, and once
            self.close(codes.BAD_REQUEST)
            return
        began_at = time.monotonic()
        try:
            self._spend(name, began_at)
            with tracing.step(f"socket {name}", kind="server"):
                lines, code = await COMMANDS[name](self, command_id, request), DONE
        except Exception as error:  # whatever it is, it is answered, and the conversation goes on
            refused = self._told(name, error)
            lines, code = _reply_to_refused(command_id, refused), refused.code
        self.engine.counted.count(name, code, time.monotonic() - began_at)
        # Nothing waits between the end of a command and this: what its channel says next follows the reply.
        self.send_lines(lines)

    def _told(self, name: str, error: Exception) -> Refusal:
        """What the client is told of an error, and the log."""
        if not isinstance(error, (Refusal, Error)):  # a fault of ours
            log.error("command.failed", command=name, exc_info=error, **self._who())
        refused = _as_refusal(name, error)
        if refused.code != codes.ErrorCode.TOO_MANY_REQUESTS:  # of which there are as many as somebody likes
            log.info("command.refused", command=name, error_code=refused.code, **self._who())
        return refused

    def _spend(self, name: str, now: float) -> None:
        """Each client may send so many commands a second, and fewer that say or do something. What is refused costs
        nothing.
        """
        limits = self.engine.limits
        full_at = limits.commands.spend(self._commands_full_at, now)
        if limits.commands.excess_s(full_at, now) > ROUNDING_S and name != JOINED:
            raise protocol.TooMany
        if name in MESSAGES:
            messages_full_at = limits.messages.spend(self._messages_full_at, now)
            if limits.messages.excess_s(messages_full_at, now) > ROUNDING_S:
                raise protocol.TooMany
            self._messages_full_at = messages_full_at
        self._commands_full_at = full_at


def _reply_to_refused(command_id: int, refused: Refusal) -> list[bytes]:
    """The reply; what has no id (`send`) is never answered, because the client would take it for a ping."""
    return [protocol.refusal(command_id, refused)] if command_id else []


def _as_refusal(name: str, error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if not isinstance(error, Error):
        return protocol.Internal()
    if isinstance(error, NotFound) and name != "rpc":
        return protocol.PermissionDenied()  # one answer for rooms of others and rooms that are not there
    return Refusal(error.rpc_code, error.detail, temporary=error.temporary)
