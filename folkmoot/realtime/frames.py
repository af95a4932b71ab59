"""Frames as bytes: how ours are written, how fragments become messages, which close codes a peer may send.

Pure: no sockets and no clocks. picows parses what arrives; what it leaves to its user is here.
"""

import codecs
from struct import pack

from folkmoot.realtime.codes import Close

_TEXT = 0x81
_REASON_BYTES = 123  # a control frame carries 125 bytes, two of them are the code

_EMPTY_CLOSE = Close(1005, "")
_RESERVED_BELOW_3000 = frozenset({1004, 1005, 1006})
_LAST_REGISTERED = 1014


class Violation(Exception):
    """The peer broke RFC 6455; the connection ends with this."""

    def __init__(self, code: int, reason: str) -> None:
        self.close = Close(code, reason)
        super().__init__(reason)


def text_frame(payload: bytes) -> bytes:
    """A whole text message in one unmasked frame, as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65_536:
        return pack("!BBH", _TEXT, 126, size) + payload
    return pack("!BBQ", _TEXT, 127, size) + payload


def texts(frames: bytes) -> list[bytes]:
    """The messages in frames of `text_frame`, one after the other."""
    found = []
    at = 0
    while at < len(frames):
        size, head = frames[at + 1], at + 2
        if size > 125:
            extra = 2 if size == 126 else 8
            size, head = int.from_bytes(frames[head : head + extra], "big"), head + extra
        found.append(frames[head : head + size])
        at = head + size
    return found


def short_reason(close: Close) -> bytes:
    """The reason as far as it fits into a close frame, cut between characters."""
    reason = close.reason.encode()
    if len(reason) <= _REASON_BYTES:
        return reason
    return reason[:_REASON_BYTES].decode(errors="ignore").encode()


def read_close(payload: bytes) -> Close:
    """What the peer's close frame says. Raises Violation when it may not be said."""
    if not payload:
        return _EMPTY_CLOSE
    if len(payload) == 1:
        raise Violation(1002, "half a close code")
    code = int.from_bytes(payload[:2], "big")
    registered = 1000 <= code <= _LAST_REGISTERED and code not in _RESERVED_BELOW_3000
    if not registered and not 3000 <= code <= 4999:
        raise Violation(1002, "close code that may not be sent")
    try:
        return Close(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise Violation(1007, "close reason is not UTF-8") from None


def answer_to(close: Close) -> Close:
    """The close frame that answers the peer's: its own code, or 1000 when it named none."""
    return Close(1000 if close == _EMPTY_CLOSE else close.code, "")


def check_text(payload: bytes) -> None:
    """Raises Violation unless the payload is UTF-8."""
    if payload.isascii():
        return
    try:
        payload.decode()
    except UnicodeDecodeError:
        raise Violation(1007, "text is not UTF-8") from None


class Fragments:
    """A message that arrives in pieces. Made by its first piece, so that an idle connection holds none."""

    __slots__ = ("_decoder", "_limit", "_whole", "is_text")

    def __init__(self, is_text: bool, limit: int) -> None:
        self.is_text = is_text
        self._limit = limit
        self._whole = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")() if is_text else None

    def add(self, payload: bytes, is_last: bool) -> bytes | None:
        """The whole message after its last piece, else None. Text is refused at its first wrong byte."""
        if len(self._whole) + len(payload) > self._limit:
            raise Violation(1009, "message is too big")
        if self._decoder is not None:
            try:
                self._decoder.decode(payload, is_last)
            except UnicodeDecodeError:
                raise Violation(1007, "text is not UTF-8") from None
        self._whole += payload
        return bytes(self._whole) if is_last else None
