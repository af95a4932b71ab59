"""What a connection is told when it is made: who sits on it, and what its peer may cost."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from folkmoot.realtime.codes import Close
from folkmoot.realtime.pace import Pace

if TYPE_CHECKING:
    from folkmoot.realtime.connection import Connection


@dataclass(frozen=True, slots=True)
class Limits:
    frame_bytes: int  # of a frame, and of a message put together from several
    queue_bytes: int  # may wait for a slow reader before it is closed with 3008
    received_bytes: Pace  # from the peer; past it we read on only when there is room again
    idle_s: float  # without a frame in either direction for that long, a connection is closed
    close_s: float = 2.0  # how long a peer may take to answer our close frame


class Receiver(Protocol):
    """What sits on a connection: a client of the protocol, or the echo."""

    @property
    def is_busy(self) -> bool:
        """Whether it has begun something that it will still answer."""

    def connected(self, connection: "Connection") -> None: ...

    def received(self, message: bytes, is_text: bool) -> None:
        """One whole message; text is valid UTF-8."""

    def disconnected(self, close: Close | None) -> None:
        """Once after `connected`, always, when the socket is gone; `close`, theirs or ours, is why."""
