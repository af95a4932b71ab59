"""The plain-text echo: text in, `I've received: …` out. `/out` says good-bye; the token stays valid."""

import time

from folkmoot.actions import Caller
from folkmoot.realtime import codes
from folkmoot.realtime.codes import Close
from folkmoot.realtime.connection import Connection
from folkmoot.realtime.engine import Engine
from folkmoot.realtime.pace import ROUNDING_S


class Echo:
    """An echo for somebody whom the API let in; without a caller it only says that the token is not valid."""

    __slots__ = ("_caller", "_connection", "_engine", "_full_at")

    def __init__(self, engine: Engine, caller: Caller | None) -> None:
        self._engine = engine
        self._caller = caller
        self._connection: Connection | None = None
        self._full_at = 0.0

    @property
    def user_id(self) -> int:
        return self._caller.user_id if self._caller else 0

    @property
    def session_id(self) -> int:
        return self._caller.session_id if self._caller else 0

    @property
    def is_busy(self) -> bool:
        return False  # it answers at once

    def connected(self, connection: Connection) -> None:
        self._connection = connection
        hub = self._engine.hub
        if self._caller is None:
            self.close(codes.INVALID_TOKEN)
        elif hub.sockets_of(self.user_id) >= self._engine.limits.sockets_per_user:
            self.close(codes.CONNECTION_LIMIT)
        elif not hub.attach(self):
            self.close(codes.FORCE_DISCONNECT)

    def received(self, message: bytes, is_text: bool) -> None:
        if self._connection is None:
            return
        if not is_text:
            self.close(codes.BAD_REQUEST)
        elif message == b"/out":
            self.close(codes.NORMAL)
        elif not self._may_say_more():
            self.close(codes.TOO_MANY_REQUESTS)
        else:
            self._connection.send_text(b"I've received: " + message)

    def _may_say_more(self) -> bool:
        """Plain text has no word for a refusal, so whoever says too much at once is sent away, to come back later."""
        pace, now = self._engine.limits.messages, time.monotonic()
        self._full_at = pace.spend(self._full_at, now)
        return pace.excess_s(self._full_at, now) <= ROUNDING_S

    def disconnected(self, close: Close | None) -> None:
        self._connection = None
        self._engine.hub.detach(self)

    def close(self, close: Close) -> None:
        if self._connection is not None:
            self._connection.close(close)

    def joined(self, channel: str) -> None:
        """An echo listens to no channels."""
