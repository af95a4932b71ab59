"""Who has streams open: ended with their session, with their membership, and when the server stops."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from folkmoot.actions import Caller
from folkmoot.errors import Error, NotSignedIn, Unavailable
from folkmoot.realtime.codes import Close
from folkmoot.realtime.hub import Hub

LONGEST_TIMER_S = 7 * 86_400.0  # the database is asked about sessions much more often
FREELY_PER_S = 200  # so many may be sent away in a second, as sockets are


class Stream(Protocol):
    def end(self, error: Error) -> None:
        """Ends it with this error, as soon as its reader takes anything."""


class Streams:
    """All streams of this server."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sessions: dict[int, Session] = {}
        self.is_stopping = False
        self.stopping = asyncio.Event()

    @contextmanager
    def open(self, caller: Caller, stream: Stream) -> Iterator[None]:
        """Keeps the stream for as long as the caller's session lasts. Raises NotSignedIn when it has just ended."""
        session = self._sessions.get(caller.session_id)
        if session is None:
            session = Session(caller)
            if not self._hub.attach(session):
                raise NotSignedIn
            self._sessions[caller.session_id] = session
        session.streams[stream] = None
        expiry = asyncio.get_running_loop().call_later(
            min(caller.expires_in_s, LONGEST_TIMER_S), stream.end, NotSignedIn("The session has ended.")
        )
        try:
            yield
        finally:
            expiry.cancel()
            del session.streams[stream]
            if not session.streams:
                self._hub.detach(session)
                self._sessions.pop(caller.session_id, None)

    async def end(self, within_s: float) -> None:
        """Sends everybody away, spread over up to `within_s`: not all come back at once."""
        self.is_stopping = True
        self.stopping.set()
        streams = [stream for session in self._sessions.values() for stream in session.streams]
        pause_s = min(1 / FREELY_PER_S, within_s / max(1, len(streams)))
        for stream in streams:
            stream.end(Unavailable("The server is stopping. Come back with the last offset."))
            await asyncio.sleep(pause_s)


class Session:
    """One sign-in with all its streams: to the hub it is one socket."""

    def __init__(self, caller: Caller) -> None:
        self.user_id = caller.user_id
        self.session_id = caller.session_id
        self.streams: dict[Stream, None] = {}

    def close(self, close: Close) -> None:
        for stream in self.streams:
            stream.end(NotSignedIn("The session has ended."))

    def joined(self, channel: str) -> None:
        """A stream is of the room that it was asked for."""
