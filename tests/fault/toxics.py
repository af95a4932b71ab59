"""What can be wrong with a line. Each connection asks its toxics for every piece of data."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

Way = Literal["there", "back"]  # what the client says, and what it is answered


class Link(Protocol):
    """A connection that suffers."""

    passed: dict[Way, int]  # bytes so far

    def abort(self) -> None: ...

    def reset(self) -> None: ...

    def close_soon(self) -> None:
        """Ends it after what was passed on so far."""


@dataclass(eq=False)
class Toxic:
    """Harmless. `ways` says whose bytes suffer."""

    ways: tuple[Way, ...] = field(default=("there", "back"), kw_only=True)

    def pieces(self, data: bytes, link: Link, way: Way) -> Iterator[bytes]:
        """What of the data is passed on, in how many pieces."""
        yield data

    def delay_s(self, data: bytes) -> float:
        """How long this is on its way; what follows may already be under way too."""
        return 0.0

    def pause_s(self, data: bytes) -> float:
        """How long nothing else can pass after this."""
        return 0.0

    async def opened(self, link: Link) -> None: ...

    async def ended(self) -> None:
        """One side has said its last word; the other is told when this returns."""


@dataclass(eq=False)
class Latency(Toxic):
    s: float
    jitter_s: float = 0.0

    def delay_s(self, data: bytes) -> float:
        return max(0.0, self.s + random.uniform(-self.jitter_s, self.jitter_s))  # noqa: S311 - chance, not secrecy


@dataclass(eq=False)
class Bandwidth(Toxic):
    bytes_per_s: float

    def pieces(self, data: bytes, link: Link, way: Way) -> Iterator[bytes]:
        yield from _slices(data, max(1, int(self.bytes_per_s / 20)))

    def pause_s(self, data: bytes) -> float:
        return len(data) / self.bytes_per_s


@dataclass(eq=False)
class Slicer(Toxic):
    """Every `size` bytes are a packet of their own."""

    size: int = 1
    between_s: float = 0.0

    def pieces(self, data: bytes, link: Link, way: Way) -> Iterator[bytes]:
        yield from _slices(data, self.size)

    def pause_s(self, data: bytes) -> float:
        return self.between_s


@dataclass(eq=False)
class SlowClose(Toxic):
    s: float

    async def ended(self) -> None:
        await asyncio.sleep(self.s)


@dataclass(eq=False)
class Timeout(Toxic):
    """What is said vanishes; after `s` the line is closed (0: never)."""

    s: float = 0.0

    def pieces(self, data: bytes, link: Link, way: Way) -> Iterator[bytes]:
        if self.s:
            asyncio.get_running_loop().call_later(self.s, link.abort)
        yield from ()


@dataclass(eq=False)
class LimitData(Toxic):
    """After so many bytes the line is cut, in the middle of whatever is being said."""

    size: int

    def pieces(self, data: bytes, link: Link, way: Way) -> Iterator[bytes]:
        left = self.size - link.passed[way]
        if left > 0:
            yield data[:left]
        if len(data) >= left:
            link.close_soon()


@dataclass(eq=False)
class ResetPeer(Toxic):
    """Connections are reset this long after they were opened."""

    after_s: float = 0.0

    async def opened(self, link: Link) -> None:
        await asyncio.sleep(self.after_s)
        link.reset()


@dataclass(eq=False)
class DropFrames(Toxic):
    """Of the WebSocket frames of the server every `nth` never arrives. The handshake always does."""

    nth: int
    ways: tuple[Way, ...] = field(default=("back",), kw_only=True)
    dropped: int = 0
    _rest: dict[Link, bytes] = field(default_factory=dict)
    _upgraded: set[Link] = field(default_factory=set)
    _count: int = 0

    def pieces(self, data: bytes, link: Link, way: Way) -> Iterator[bytes]:
        buffered = self._rest.get(link, b"") + data
        if link not in self._upgraded:
            head, ends, frames = buffered.partition(b"\r\n\r\n")
            if not ends:
                self._rest[link] = buffered
                return
            self._upgraded.add(link)
            yield head + ends
            buffered = frames
        while (size := _frame_bytes(buffered)) and size <= len(buffered):
            frame, buffered = buffered[:size], buffered[size:]
            self._count += 1
            if self._count % self.nth == 0 and frame[0] & 0x0F == 1:
                self.dropped += 1
            else:
                yield frame
        self._rest[link] = buffered


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _frame_bytes(data: bytes) -> int:
    """The size of the first frame of a server in the data; 0 while that cannot be said."""
    if len(data) < 2:
        return 0
    size, head = data[1] & 0x7F, 2
    if size == 126:
        size, head = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, head = int.from_bytes(data[2:10], "big"), 10
    return size + head if len(data) >= head else 0
