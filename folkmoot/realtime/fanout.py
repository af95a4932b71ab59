"""The hot loop: the same bytes to everybody who listens, and as little as possible beside the write itself."""

from collections.abc import Iterable
from os import write
from typing import Protocol


class Outlet(Protocol):
    """Where frames for one peer go."""

    fd: int
    is_clear: bool  # it is open and nothing waits for the peer, so its descriptor may be written to
    is_used: bool  # a frame went in or out since somebody last looked

    def send(self, frame: bytes) -> None:
        """Sends frames; what the peer does not take waits, up to a limit."""

    def send_ephemeral(self, frame: bytes) -> bool:
        """Sends what may be lost; false when it was dropped, because too much waits already."""

    def keep(self, rest: memoryview) -> None:
        """Takes what the descriptor did not: it goes first when the peer reads again."""

    def abort(self) -> None:
        """Hangs up."""


def fan_out(outlets: Iterable[Outlet], frame: bytes, *, is_kept: bool) -> None:
    """Sends one frame to all. What is not kept in a log is dropped for those who lag behind.

    A clear outlet costs the system call and a few attributes: through methods it would be half as much again.
    """
    size = len(frame)
    for outlet in outlets:
        if not outlet.is_clear:
            if is_kept:
                outlet.send(frame)
            else:
                outlet.send_ephemeral(frame)
            continue
        outlet.is_used = True
        try:
            sent = write(outlet.fd, frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            outlet.abort()
            continue
        if sent < size:
            outlet.keep(memoryview(frame)[sent:])
