"""Who listens to what on this node, and the fan-out to them.

Everything here is synchronous. Lines of one loop tick are merged: one frame a channel, built once and shared by all its
listeners, and one write a connection however many channels had something to say.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from folkmoot.realtime import codes
from folkmoot.realtime.codes import Close
from folkmoot.realtime.fanout import Outlet, fan_out
from folkmoot.realtime.frames import text_frame

RECENTLY_S = 60.0  # how long an ended session is remembered, for sockets that were being opened when it ended
BUFFERED_LINES = 10_000  # what a channel may say while a listener is still entering; past it the listener is slow


class Socket(Protocol):
    """A connection of somebody who has signed in."""

    @property
    def user_id(self) -> int: ...

    @property
    def session_id(self) -> int: ...

    def close(self, close: Close) -> None: ...

    def joined(self, channel: str) -> None:
        """The server subscribed this user to the channel."""


class Listener(Socket, Protocol):
    """A socket that can listen to channels."""

    @property
    def outlet(self) -> Outlet:
        """Where its frames go, from when it enters a channel until it has left them all."""

    def left(self, channel: str) -> None:
        """The server ended this user's subscription; the hub has already taken the listener out."""


class Entry:
    """A listener that is entering a channel: what is said meanwhile waits here."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: deque[tuple[int, bytes]] = deque()


class Channel:
    """A channel somebody on this node listens to."""

    __slots__ = ("entering", "is_kept", "listeners", "name", "pending")

    def __init__(self, name: str) -> None:
        self.name = name
        self.listeners: dict[Listener, Outlet] = {}
        self.entering: dict[Listener, Entry] = {}
        self.pending: list[bytes] = []  # what the next loop tick delivers
        self.is_kept = True  # in a log; otherwise a listener that lags behind does without

    def __bool__(self) -> bool:
        return bool(self.listeners or self.entering)


class Hub:
    def __init__(self) -> None:
        self.channels: dict[str, Channel] = {}
        self._sockets_of_user: dict[int, dict[Socket, None]] = {}
        self._sockets_of_session: dict[int, dict[Socket, None]] = {}
        self._ended: dict[int, float] = {}
        self._dirty: dict[Channel, None] = {}
        self.delivered = 0  # lines, once for each listener
        self.on_empty: Callable[[str], None] = lambda name: None

    # -- who is here

    def attach(self, socket: Socket) -> bool:
        """Registers a socket; False when its session has ended in the meantime."""
        if socket.session_id in self._ended:
            return False
        self._sockets_of_user.setdefault(socket.user_id, {})[socket] = None
        self._sockets_of_session.setdefault(socket.session_id, {})[socket] = None
        return True

    def detach(self, socket: Socket) -> None:
        _drop(self._sockets_of_user, socket.user_id, socket)
        _drop(self._sockets_of_session, socket.session_id, socket)

    def sockets_of(self, user_id: int) -> int:
        return len(self._sockets_of_user.get(user_id, ()))

    def sessions(self) -> list[int]:
        return list(self._sockets_of_session)

    def users(self) -> list[int]:
        return list(self._sockets_of_user)

    def end_sessions(self, session_ids: Iterable[int]) -> None:
        """Closes all sockets of these sessions, for good."""
        now = time.monotonic()
        self._ended = {session: at for session, at in self._ended.items() if now - at < RECENTLY_S}
        for session_id in session_ids:
            self._ended[session_id] = now
            for socket in list(self._sockets_of_session.get(session_id, ())):
                socket.close(codes.FORCE_DISCONNECT)

    def join(self, user_id: int, channel: str) -> None:
        """The server subscribes the user's listeners to the channel."""
        for socket in list(self._sockets_of_user.get(user_id, ())):
            socket.joined(channel)

    def leave(self, user_id: int, channel: str) -> None:
        """The server ends the user's subscriptions to the channel: nothing more of it reaches them."""
        if (found := self.channels.get(channel)) is None:
            return
        for listener in [one for one in (*found.listeners, *found.entering) if one.user_id == user_id]:
            self.exit(channel, listener)
            listener.left(channel)

    # -- entering and leaving channels

    def enter(self, name: str, listener: Listener) -> Channel:
        """Starts to keep what the channel says for this listener, until it is settled."""
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name)
        channel.listeners.pop(listener, None)
        channel.entering[listener] = Entry()
        return channel

    def is_entering(self, name: str, listener: Listener) -> bool:
        channel = self.channels.get(name)
        return channel is not None and listener in channel.entering

    def listeners(self, name: str) -> list[Listener]:
        channel = self.channels.get(name)
        return [*channel.listeners] if channel else []

    def settle(self, name: str, listener: Listener, after: int) -> list[bytes]:
        """From now on the listener hears the channel directly. Returns the lines it missed, those past `after`."""
        channel = self.channels[name]
        entry = channel.entering.pop(listener)
        self._say_pending(channel)
        channel.listeners[listener] = listener.outlet
        return [line for offset, line in entry.lines if offset == 0 or offset > after]

    def exit(self, name: str, listener: Listener) -> None:
        channel = self.channels.get(name)
        if channel is None:
            return
        if listener in channel.listeners:
            self._say_pending(channel)  # what was said while it listened is its own
            del channel.listeners[listener]
        channel.entering.pop(listener, None)
        if not channel:
            del self.channels[name]
            self.on_empty(name)

    # -- saying

    def say(self, channel: Channel, first: int, lines: Sequence[bytes]) -> None:
        """Delivers lines, offsets `first`, `first + 1`, …, with the next loop tick. The caller keeps the order."""
        for listener, entry in list(channel.entering.items()):
            entry.lines.extend((first + index, line) for index, line in enumerate(lines))
            if len(entry.lines) > BUFFERED_LINES:
                listener.close(codes.SLOW)
        self._say_soon(channel, lines)

    def say_now(self, name: str) -> None:
        """Delivers what waits for the next loop tick."""
        if channel := self.channels.get(name):
            self._say_pending(channel)

    def say_ephemeral(self, channel: Channel, lines: Sequence[bytes]) -> None:
        """Delivers lines that nobody keeps; listeners that lag behind do without them."""
        for entry in channel.entering.values():
            if len(entry.lines) < BUFFERED_LINES:
                entry.lines.extend((0, line) for line in lines)
        channel.is_kept = False
        self._say_soon(channel, lines)

    def _say_soon(self, channel: Channel, lines: Sequence[bytes]) -> None:
        if not channel.listeners:
            return
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty[channel] = None
        channel.pending.extend(lines)

    def _flush(self) -> None:
        dirty, self._dirty = [channel for channel in self._dirty if channel.pending], {}
        kept = [channel for channel in dirty if channel.is_kept]
        if len(kept) > 1:
            self._say_together(kept)
        for channel in dirty:
            self._say_pending(channel)

    def _say_together(self, channels: Sequence[Channel]) -> None:
        """One write a listener, whatever of these channels it listens to."""
        outgoing: dict[Outlet, list[bytes]] = {}
        for channel in channels:
            frame = self._merged(channel)
            for outlet in channel.listeners.values():
                outgoing.setdefault(outlet, []).append(frame)
        for outlet, frames in outgoing.items():
            outlet.send(frames[0] if len(frames) == 1 else b"".join(frames))

    def _say_pending(self, channel: Channel) -> None:
        if channel.pending:
            frame = self._merged(channel)
            fan_out(list(channel.listeners.values()), frame, is_kept=channel.is_kept)

    def _merged(self, channel: Channel) -> bytes:
        """What waits in the channel, as one frame that its listeners get now."""
        lines, channel.pending = channel.pending, []
        self.delivered += len(lines) * len(channel.listeners)
        return text_frame(b"\n".join(lines))


def _drop(index: dict[int, dict[Socket, None]], key: int, socket: Socket) -> None:
    sockets = index.get(key)
    if sockets is None:
        return
    sockets.pop(socket, None)
    if not sockets:
        del index[key]
