"""One WebSocket connection: bytes in and out, with limits.

picows parses frames; what it leaves to its user is here: fragments, UTF-8, control frames, closing. So is
holding memory against the peer. What waits for a slow reader is bounded by `queue_bytes`: then it is closed
as slow, and recovers by offset when it comes back. And while it does not read we do not read from it either,
so a peer that floods and never reads fills its own buffers, not ours. Nor do we read faster than `received_bytes`.

Nothing here owns a task. An idle connection has no timer either: `Connections` sweeps them all.
"""

import asyncio
import logging
from enum import IntFlag
from typing import TYPE_CHECKING

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from folkmoot.realtime.codes import CONNECTION_CLOSED, SERVER_ERROR, SLOW, Close
from folkmoot.realtime.fanout import fan_out
from folkmoot.realtime.frames import (
    Fragments,
    Violation,
    answer_to,
    check_text,
    read_close,
    short_reason,
    text_frame,
)
from folkmoot.realtime.parser import Deaf, close_read_ahead
from folkmoot.realtime.receiver import Receiver

if TYPE_CHECKING:
    from folkmoot.realtime.connections import Connections

log = logging.getLogger(__name__)

_CONTINUATION, _TEXT, _BINARY = WSMsgType.CONTINUATION, WSMsgType.TEXT, WSMsgType.BINARY
_PING, _CLOSE = WSMsgType.PING, WSMsgType.CLOSE
_PONG_HEADER = 0x8A
_FINISH_STEP_S = 0.02


class _Hold(IntFlag):
    """Why we do not read from the peer."""

    RECEIVER = 1  # the receiver has enough for now
    WRITER = 2  # the peer does not take what we write
    TURN = 4  # the peer has had its turn
    LEAVING = 8  # the peer is sent away when it has its answers
    PACE = 16  # the peer has sent more than it may


class Connection(WSListener):
    __slots__ = (
        "_close",
        "_connections",
        "_fragments",
        "_hold",
        "_idle_since",
        "_open",
        "_received_full_at",
        "_receiver",
        "_soon",
        "_timer",
        "_transport",
        "_waiting",
        "_ws",
        "fd",
        "is_clear",
        "is_used",
        "limits",
    )

    def __init__(self, receiver: Receiver, transport: asyncio.Transport, connections: "Connections") -> None:
        self._receiver = receiver
        self._transport = transport
        self._connections = connections
        self.limits = connections.limits
        self._waiting = transport.get_write_buffer_size
        self.fd: int = transport.get_extra_info("socket").fileno()
        self.is_clear = False
        self.is_used = True
        self._ws: WSTransport | None = None
        self._open = False
        self._close: Close | None = None
        self._fragments: Fragments | None = None
        self._soon: list[bytes] | None = None
        self._hold = _Hold.TURN  # until what came with the handshake is handled
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since = self._received_full_at = 0.0

    # -- what a receiver and the hub use

    @property
    def is_open(self) -> bool:
        """Whether a message may still be sent; false from the first close frame on, whoever sent it."""
        return self._open

    @property
    def wire(self) -> WSTransport | None:
        """What picows has on the other end, while it is connected."""
        return self._ws

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait for the peer to read, beyond what the kernel holds for it."""
        return self._waiting()

    def send(self, frame: bytes) -> None:
        """Sends bytes that are frames already. Never blocks, never raises; a dying socket drops them.

        With nothing queued the descriptor is written directly, which is what makes a fan-out cheap; what it
        does not take goes to the transport, which keeps the order until it is empty again.
        """
        if self.is_clear:
            fan_out((self,), frame, is_kept=True)
        elif self._soon is not None:
            self._soon.append(frame)
            self._send_gathered()
        elif self._open:
            self._queue(frame)

    def send_soon(self, frame: bytes) -> None:
        """Sends with this loop tick, as one write with whatever else there is to send by then."""
        if self._soon is not None:
            self._soon.append(frame)
        elif self._open:
            self._soon = [frame]
            self.is_clear = False  # until then whoever has something calls `send`
            self._connections.loop.call_soon(self._send_gathered)

    def _send_gathered(self) -> None:
        if self._soon is not None:
            frames, self._soon = self._soon, None
            self.is_clear = self._open and not self._waiting()
            self.send(frames[0] if len(frames) == 1 else b"".join(frames))

    def keep(self, rest: memoryview) -> None:
        """Takes what the descriptor did not: it goes first when the peer reads again."""
        self._transport.write(rest)

    def send_text(self, payload: bytes) -> None:
        self.send_soon(text_frame(payload))

    def send_ephemeral(self, frame: bytes) -> bool:
        """Sends what may be lost (typing, presence); dropped and counted while half the queue is full."""
        if self.is_clear or (self._open and self._waiting() * 2 <= self.limits.queue_bytes):
            self.send(frame)
            return True
        self._connections.dropped += 1
        return False

    def close(self, close: Close) -> None:
        """Sends what waits, then the close frame; hangs up when the peer answered it, or after `close_s`."""
        if self._open:
            self._say_close(close, close)

    def finish(self, close: Close, patience_s: float) -> None:
        """Takes nothing more, and closes when what was begun is answered, or when that takes too long."""
        if not self._open:
            return
        self._hold_reading(_Hold.LEAVING)
        if self._receiver.is_busy and patience_s > 0:
            left_s = patience_s - _FINISH_STEP_S
            asyncio.get_running_loop().call_later(_FINISH_STEP_S, self.finish, close, left_s)
        else:
            self.close(close)

    def pause_reading(self) -> None:
        self._hold_reading(_Hold.RECEIVER)

    def resume_reading(self) -> None:
        self._release_reading(_Hold.RECEIVER)

    # -- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._ws = transport
        self._open = self.is_clear = True
        self._transport.set_write_buffer_limits(high=0)  # to be told whenever anything waits, and when nothing does
        self._connections.add(self)
        try:
            self._receiver.connected(self)
        except Exception:  # what a receiver gets wrong ends its own connection, and nothing picows does for others
            self._fault("connected")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.is_used = True
        kind = frame.msg_type
        if not self._open:
            if kind is _CLOSE:
                self._transport.close()
            return
        try:
            if frame.rsv1 or frame.rsv2 or frame.rsv3:
                raise Violation(1002, "reserved bit without an extension")
            if kind is _TEXT or kind is _BINARY or kind is _CONTINUATION:
                self._take_data(kind, frame)
            elif kind is _PING:
                self._pong(frame.get_payload_as_bytes())
            elif kind is _CLOSE:
                self._take_close(frame.get_payload_as_bytes())
        except Violation as violation:
            self._fail(violation.close)
        except Exception:  # as in `on_ws_connected`
            self._fault("received")

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._open = self.is_clear = False
        if self._timer is not None:
            self._timer.cancel()
        self._connections.departures.add(self._depart)

    def _depart(self) -> None:
        self._connections.remove(self, self._close)
        try:
            self._receiver.disconnected(self._close)
        except Exception:  # it is gone, whatever its receiver makes of that; what refers to it must still let go
            log.exception("A receiver failed in disconnected")
        self._forget()

    def pause_writing(self) -> None:
        self.is_clear = False
        self._hold_reading(_Hold.WRITER)

    def resume_writing(self) -> None:
        self.is_clear = self._open and self._soon is None
        self._release_reading(_Hold.WRITER)

    # -- what `Connections` and the port call

    def parser_failed(self, close: Close) -> None:
        """picows found a violation, and cannot read on.

        It reads one frame ahead: a close frame may be read but not yet here, and what follows that is void.
        """
        if self._open and (said := close_read_ahead(self._ws)) is not None:
            self._take_close(said)
        self._fail(close)

    def start_reading(self) -> None:
        """What came with the handshake is handled."""
        self._release_reading(_Hold.TURN)

    def give_way(self) -> None:
        """The peer sends more than its share of a turn: what waits from others is read first."""
        if self._open:
            self._hold_reading(_Hold.TURN)
            self._connections.loop.call_soon(self._release_reading, _Hold.TURN)

    def spend(self, size: int) -> None:
        """Counts what was read. A peer that sent more than it may is not closed: TCP slows it down to its pace."""
        pace, loop = self.limits.received_bytes, self._connections.loop
        now = loop.time()
        self._received_full_at = pace.spend(self._received_full_at, now, size)
        excess_s = pace.excess_s(self._received_full_at, now)
        if excess_s > 0 and self._open:
            self._connections.slowed += 1
            self._hold_reading(_Hold.PACE)
            loop.call_later(excess_s, self._release_reading, _Hold.PACE)

    def sweep(self, now: float) -> None:
        """Looks after a connection nobody else looks after. Called every few seconds."""
        if self.is_used:
            self.is_used = False
            self._idle_since = now
        elif self._open and now - self._idle_since >= self.limits.idle_s:
            self.close(CONNECTION_CLOSED)
        if self._transport.is_closing():
            self._limit_closing()  # the peer shut its side, but does not take what still waits for it

    def abort(self) -> None:
        """Hangs up without a word."""
        self._open = self.is_clear = False
        self._transport.abort()

    # -- messages

    def _take_data(self, kind: WSMsgType, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if kind is _CONTINUATION:
            self._take_fragment(payload, bool(frame.fin))
        elif self._fragments is not None:
            raise Violation(1002, "new message inside a fragmented one")
        elif frame.fin:
            if kind is _TEXT:
                check_text(payload)
            self._receiver.received(payload, kind is _TEXT)
        else:
            self._fragments = Fragments(kind is _TEXT, self.limits.frame_bytes)
            self._fragments.add(payload, is_last=False)

    def _take_fragment(self, payload: bytes, is_last: bool) -> None:
        fragments = self._fragments
        if fragments is None:
            raise Violation(1002, "continuation of nothing")
        message = fragments.add(payload, is_last)
        if message is not None:
            self._fragments = None
            self._receiver.received(message, fragments.is_text)

    def _pong(self, payload: bytes) -> None:
        self.send_ephemeral(bytes((_PONG_HEADER, len(payload))) + payload)

    def _queue(self, frame: bytes) -> None:
        """The peer is slow: its frames wait in the transport, up to the limit."""
        if self._waiting() + len(frame) > self.limits.queue_bytes:
            self.close(SLOW)
        else:
            self._transport.write(frame)

    # -- the end

    def _take_close(self, payload: bytes) -> None:
        try:
            close = read_close(payload)
            self._say_close(answer_to(close), close)
        except Violation as violation:
            self.close(violation.close)
        self._transport.close()

    def _say_close(self, frame: Close, ended_by: Close) -> None:
        if self._ws is None:
            return
        self._send_gathered()
        self._open = self.is_clear = False
        self._close = ended_by
        self._fragments = None
        # By picows, because it stays silent about violations once it has sent a close frame.
        self._ws.send_close(
            frame.code,  # type: ignore[arg-type]  # it takes any code, not only those it names
            short_reason(frame),
        )
        self._transport.resume_reading()  # the answer must reach us, whatever held reading before
        self._limit_closing()

    def _fail(self, close: Close) -> None:
        """Says what the peer did wrong, and hangs up: deaf to what it still sends, until it hangs up too."""
        self.close(close)
        self._transport.pause_reading()  # at once, or picows would gather what still comes in its buffer
        self._connections.loop.call_soon(self._go_deaf)

    def _limit_closing(self) -> None:
        if self._timer is None:
            self._timer = self._connections.loop.call_later(self.limits.close_s, self._transport.abort)

    def _go_deaf(self) -> None:
        if self._transport.is_closing():
            return
        self._transport.set_protocol(Deaf(self._transport.get_protocol()))
        self._transport.resume_reading()
        self._transport.write_eof()

    def _fault(self, where: str) -> None:
        log.exception("A receiver failed in %s", where)
        self.close(SERVER_ERROR)

    def _forget(self) -> None:
        """Lets go of what refers back to us, so that memory is free at once, not at the next collection."""
        del self._receiver
        self._ws = None
        self._soon = None
        self._fragments = None
        self._timer = None

    def _hold_reading(self, reason: _Hold) -> None:
        if self._open and not self._hold:
            self._transport.pause_reading()
        self._hold |= reason

    def _release_reading(self, reason: _Hold) -> None:
        self._hold &= ~reason
        if self._open and not self._hold:
            self._transport.resume_reading()
