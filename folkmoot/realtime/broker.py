"""From the bus to the hub, in order and without a gap.

The bus is only a hint. A channel with a log has a position on this node: the last offset that was delivered here. What
starts later than the next one waits while the gap is read from the log; what is older is dropped; and a sweep compares
positions with the log, so that even a lost last hint heals.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import msgspec
import structlog

from folkmoot.bus import SHARDS, Bus
from folkmoot.errors import Error
from folkmoot.realtime import codes
from folkmoot.realtime.channels import Namespaces, Position
from folkmoot.realtime.hub import Channel, Hub
from folkmoot.realtime.protocol import publication_push
from folkmoot.tasks import end

log = structlog.get_logger(__name__)

GRACE_S = 0.02  # a hint that overtook another one is given this long before the log is asked
PAGE = 500
MOST_WAITING = 1_000  # batches that wait for a gap to close; beyond it the log is read instead
SWEEP_S = 5.0
SWEEP_WITHOUT_BUS_S = 2.0
TOPICS = [f"shard:{shard}" for shard in range(SHARDS)]

UNKNOWN = -1  # the log was not asked yet where it ends


class Header(msgspec.Struct, frozen=True):
    """The first line of a payload on the bus; the rest are the lines for the listeners."""

    node: str
    channel: str
    first: int  # offset of the first line; 0: nobody keeps these


@dataclass(slots=True)
class Stream:
    """How far a channel with a log has come on this node."""

    epoch: str = ""
    offset: int = UNKNOWN  # the last that was delivered here
    waiting: list[tuple[int, list[bytes]]] = field(default_factory=list)
    healing: asyncio.Task[None] | None = None


class Broker:
    def __init__(self, node: str, bus: Bus, hub: Hub, namespaces: Namespaces) -> None:
        self._node = node
        self._own = b'{"node":%b,' % _encode(node)
        self._bus = bus
        self._hub = hub
        self._namespaces = namespaces
        self._streams: dict[str, Stream] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self.healed: Counter[str] = Counter()  # gaps, by what found them
        for topic in TOPICS:
            bus.receive(topic, self._heard)
        bus.on_change(self._look_now.set)
        hub.on_empty = self._forget

    def start(self) -> None:
        self._sweeper = asyncio.create_task(self._sweep_for_ever(), name="broker-sweep")

    async def close(self) -> None:
        tasks = [stream.healing for stream in self._streams.values() if stream.healing]
        tasks += [self._sweeper] if self._sweeper else []
        await end(tasks)

    # -- saying

    def publish(self, channel: str, publications: Sequence[bytes], *, first: int = 0) -> None:
        """Tells all nodes. `first` is the offset of the first publication; 0 where there is no log."""
        lines = [publication_push(channel, publication) for publication in publications]
        header = _encode(Header(self._node, channel, first))
        self._bus.publish(_topic(channel), b"\n".join([header, *lines]))
        self._deliver(channel, first, lines)

    def _heard(self, payload: bytes) -> None:
        if payload.startswith(self._own):
            return
        head, *lines = payload.split(b"\n")
        header = _read_header(head)
        self._deliver(header.channel, header.first, lines)

    def _deliver(self, name: str, first: int, lines: list[bytes]) -> None:
        channel = self._hub.channels.get(name)
        if channel is None or not lines:
            return
        if first == 0:
            self._hub.say_ephemeral(channel, lines)
            return
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Stream()
        if first == stream.offset + 1 and not stream.waiting:  # nearly always
            self._hub.say(channel, first, lines)
            stream.offset += len(lines)
        elif stream.offset == UNKNOWN or first > stream.offset + 1:
            self._wait_for_gap(name, stream, first, lines)
        else:
            self._advance(channel, stream, first, lines)

    def _advance(self, channel: Channel, stream: Stream, first: int, lines: list[bytes]) -> None:
        """Delivers those of the lines that are new, and then what waited for them."""
        batches = [(first, lines)]
        while batches or (stream.waiting and stream.waiting[0][0] <= stream.offset + 1):
            first, lines = batches.pop() if batches else stream.waiting.pop(0)
            fresh = lines[max(0, stream.offset + 1 - first) :]
            if fresh:
                self._hub.say(channel, stream.offset + 1, fresh)
                stream.offset += len(fresh)

    # -- closing gaps

    def _wait_for_gap(self, name: str, stream: Stream, first: int, lines: list[bytes]) -> None:
        if len(stream.waiting) < MOST_WAITING:
            stream.waiting.append((first, lines))
            stream.waiting.sort(key=lambda batch: batch[0])
        self._heal(name, stream)

    def _heal(self, name: str, stream: Stream) -> None:
        if stream.waiting and stream.offset != UNKNOWN and stream.healing is None:
            stream.healing = asyncio.create_task(self._heal_later(name, stream), name=f"heal {name}")

    async def _heal_later(self, name: str, stream: Stream) -> None:
        try:
            await asyncio.sleep(GRACE_S)
            while stream.waiting:  # more may come to wait while the log is read
                # All of it is in the log by now, or was never true.
                stream.waiting.clear()
                self.healed["hint"] += 1
                await self._read_up(name, stream)
        except Error as error:
            log.warning("broker.gap_open", channel=name, error=error.detail)  # the sweep tries again
        finally:
            stream.healing = None

    async def _read_up(self, name: str, stream: Stream) -> None:
        """Delivers from the log what this node has not delivered yet."""
        namespace = self._namespaces.logged(name)
        while namespace is not None and stream.offset != UNKNOWN:
            missing = await namespace.after(name, stream.offset, PAGE)
            channel = self._hub.channels.get(name)
            if channel is None or not missing or self._streams.get(name) is not stream:
                return
            lines = [publication_push(name, publication.encoded) for publication in missing]
            self._advance(channel, stream, missing[0].offset, lines)
            if len(missing) < PAGE:
                return

    async def align(self, name: str, position: Position) -> None:
        """Brings this node's delivery of the channel up to a position that was read from the log."""
        channel = self._hub.channels.get(name)
        if channel is None:
            return
        stream = self._streams.setdefault(name, Stream())
        if stream.offset == UNKNOWN:
            stream.epoch, stream.offset = position.epoch, position.offset
            self._advance(channel, stream, position.offset + 1, [])
            self._heal(name, stream)
        elif stream.epoch != position.epoch:
            self._start_afresh(name)
        elif stream.offset < position.offset:
            await self._read_up(name, stream)

    def position(self, name: str) -> Position | None:
        """How far the channel was delivered here."""
        stream = self._streams.get(name)
        return Position(stream.epoch, stream.offset) if stream and stream.offset != UNKNOWN else None

    def _forget(self, name: str) -> None:
        """Nobody here listens to the channel any more."""
        stream = self._streams.pop(name, None)
        if stream is not None and stream.healing is not None:
            stream.healing.cancel()

    def _start_afresh(self, name: str) -> None:
        """The log is another one than we followed (a restored backup): its listeners must ask anew."""
        channel = self._hub.channels.get(name)
        self._forget(name)
        if channel is not None:
            for listener in [*channel.listeners, *channel.entering]:
                listener.close(codes.INSUFFICIENT_STATE)

    # -- the sweep

    async def _sweep_for_ever(self) -> None:
        while True:
            wait_s = SWEEP_S if self._bus.is_up else SWEEP_WITHOUT_BUS_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._look_now.wait()
            except TimeoutError:
                pass
            self._look_now.clear()
            try:
                await self._sweep()
            except Error as error:
                log.warning("broker.sweep_failed", error=error.detail)
            except Exception:  # the sweep is what heals everything else
                log.exception("broker.sweep_failed")

    async def _sweep(self) -> None:
        # Noted before the log is asked: a head below what was delivered by then is another log's.
        delivered = {name: stream.offset for name, stream in self._streams.items() if stream.offset != UNKNOWN}
        for namespace, names in self._namespaces.grouped_logged(delivered):
            positions = await namespace.positions(names)
            for name in names:
                if name in positions:
                    await self._compare(name, positions[name], delivered[name])

    async def _compare(self, name: str, position: Position, delivered: int) -> None:
        stream = self._streams.get(name)
        if stream is None or stream.offset == UNKNOWN:
            return
        if position.epoch != stream.epoch or position.offset < delivered:
            self._start_afresh(name)
        elif stream.offset < position.offset:
            self.healed["sweep"] += 1
            await self._read_up(name, stream)


_encode = msgspec.json.Encoder().encode
_read_header = msgspec.json.Decoder(Header).decode


@lru_cache(10_000)
def _topic(channel: str) -> str:
    return TOPICS[zlib.crc32(channel.encode()) % SHARDS]
