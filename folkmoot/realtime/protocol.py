"""The Centrifuge client protocol, version 2, in JSON: bytes to commands, results to bytes. Pure: no I/O here.

A frame holds one or more JSON objects joined by newlines. Field names are those of the public `client.proto`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import msgspec

from folkmoot.realtime.codes import Close, ErrorCode

UINT32_MAX: Final = 2**32 - 1
PING: Final = b"{}"

Offset = Annotated[int, msgspec.Meta(ge=0)]


class Since(msgspec.Struct, frozen=True):
    """The last position that a client saw."""

    offset: Offset = 0
    epoch: str = ""


class Subscribe(msgspec.Struct, frozen=True):
    channel: str = ""
    recover: bool = False
    offset: Offset = 0
    epoch: str = ""
    join_leave: bool = False

    @property
    def since(self) -> Since | None:
        return Since(self.offset, self.epoch) if self.recover else None


class Connect(msgspec.Struct, frozen=True):
    token: str = ""
    name: str = ""
    version: str = ""
    subs: dict[str, Subscribe] = {}


class Channel(msgspec.Struct, frozen=True):
    channel: str = ""


class Publish(msgspec.Struct, frozen=True):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class History(msgspec.Struct, frozen=True):
    channel: str = ""
    limit: int = 0
    since: Since | None = None
    reverse: bool = False


class Rpc(msgspec.Struct, frozen=True):
    method: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Send(msgspec.Struct, frozen=True):
    data: msgspec.Raw = msgspec.Raw(b"null")


class Refresh(msgspec.Struct, frozen=True):
    token: str = ""
    channel: str = ""


class Command(msgspec.Struct, frozen=True):
    """One command: an id and exactly one request. Nothing at all is the answer to our ping."""

    id: int = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: Channel | None = None
    publish: Publish | None = None
    history: History | None = None
    presence: Channel | None = None
    presence_stats: Channel | None = None
    rpc: Rpc | None = None
    send: Send | None = None
    refresh: Refresh | None = None
    sub_refresh: Refresh | None = None


Request = Connect | Subscribe | Channel | Publish | History | Rpc | Send | Refresh


class BadFrame(Exception):
    """The peer does not speak the protocol; the connection ends with 3501."""


class Refusal(Exception):
    """A command is refused; the connection goes on."""

    def __init__(self, code: int, message: str, *, temporary: bool = False) -> None:
        self.code = int(code)
        self.message = message
        self.temporary = temporary
        super().__init__(message)


_FIELDS = Command.__struct_fields__
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
# An escape in JSON; the group holds half of a character that stands alone.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)")
_decode = msgspec.json.Decoder(Command).decode
_encode = msgspec.json.Encoder().encode


def read_frame(message: bytes) -> list[tuple[int, str, Request]]:
    """The commands of a frame as (id, name of the request, request), without pongs. Raises BadFrame."""
    commands = []
    for line in message.split(b"\n"):
        if not line or line == PING:
            continue
        try:
            command = _decode(line)
        except _UNREADABLE:
            command = _read_mended(line)
        commands.append(_only_request(command))
    return commands


def _read_mended(line: bytes) -> Command:
    """A script may cut an emoji in two and send half of it: valid JSON, but no text. It gets U+FFFD for it."""
    try:
        return _decode(_ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], line))
    except _UNREADABLE as error:
        raise BadFrame(f"not a command: {error}") from None


def _only_request(command: Command) -> tuple[int, str, Request]:
    fields = msgspec.structs.astuple(command)
    if fields.count(None) != len(fields) - 2:  # all but the id and one
        raise BadFrame("a command has exactly one request")
    request = next(filter(None, fields[1:]))
    name = _FIELDS[fields.index(request, 1)]
    if not (0 < command.id <= UINT32_MAX or (command.id == 0 and name == "send")):
        raise BadFrame("a command has an id from 1 to 4294967295")
    return command.id, name, request


def reply(command_id: int, name: str, result: object) -> bytes:
    return _encode({"id": command_id, name: result})


def refusal(command_id: int, error: Refusal) -> bytes:
    described: dict[str, object] = {"code": error.code, "message": error.message}
    if error.temporary:
        described["temporary"] = True
    return _encode({"id": command_id, "error": described})


def connected(
    *,
    client: str,
    version: str,
    ping_s: int,
    expires_in_s: int | None,
    subs: Mapping[str, Mapping[str, object]],
) -> dict[str, object]:
    """The result of `connect`. The client answers each of our pings."""
    result: dict[str, object] = {"client": client, "version": version, "ping": ping_s, "pong": True}
    if expires_in_s is not None:
        result |= {"expires": True, "ttl": expires_in_s}
    if subs:
        result["subs"] = subs
    return result


def subscribed(
    *, epoch: str, offset: int, was_recovering: bool, recovered: bool, publications: Sequence[bytes]
) -> dict[str, object]:
    """The result of `subscribe` for a channel with a log."""
    result: dict[str, object] = {"recoverable": True, "positioned": True, "epoch": epoch, "offset": offset}
    if was_recovering:
        result |= {"was_recovering": True, "recovered": recovered}
    if publications:
        result["publications"] = [msgspec.Raw(publication) for publication in publications]
    return result


def publication_push(channel: str, publication: bytes) -> bytes:
    """One line for every subscriber: the same bytes for all of them."""
    return b'{"push":{"channel":%b,"pub":%b}}' % (_encode(channel), publication)


def publication(data: Any, *, offset: int = 0, user: str = "", client: str = "") -> bytes:
    """A publication as it stands in pushes and in results."""
    encoded: dict[str, object] = {"data": data, "info": {"user": user, "client": client}}
    if offset:
        encoded["offset"] = offset
    return _encode(encoded)


def subscribe_push(channel: str, result: Mapping[str, object]) -> bytes:
    return _encode({"push": {"channel": channel, "subscribe": result}})


def join_push(channel: str, client: str, user: int) -> bytes:
    return _encode({"push": {"channel": channel, "join": {"info": {"user": str(user), "client": client}}}})


def leave_push(channel: str, client: str, user: int) -> bytes:
    return _encode({"push": {"channel": channel, "leave": {"info": {"user": str(user), "client": client}}}})


def unsubscribe_push(channel: str, reason: Close) -> bytes:
    return _encode({"push": {"channel": channel, "unsubscribe": {"code": reason.code, "reason": reason.reason}}})


class _Fixed(Refusal):
    """A refusal that always says the same.

    It is raised by its class, and so is a new one each time. An exception that is raised again keeps all that it met
    the times before, clients among it, and grows for ever.
    """

    says: ClassVar[tuple[ErrorCode, str, bool]]

    def __init__(self) -> None:
        code, message, temporary = self.says
        super().__init__(code, message, temporary=temporary)


class UnknownChannel(_Fixed):
    says = (ErrorCode.UNKNOWN_CHANNEL, "unknown channel", False)


class NotAvailable(_Fixed):
    says = (ErrorCode.NOT_AVAILABLE, "not available", False)


class AlreadySubscribed(_Fixed):
    says = (ErrorCode.ALREADY_SUBSCRIBED, "already subscribed", False)


class LimitExceeded(_Fixed):
    says = (ErrorCode.LIMIT_EXCEEDED, "limit exceeded", False)


class Unrecoverable(_Fixed):
    says = (ErrorCode.UNRECOVERABLE_POSITION, "unrecoverable position", False)


class TooMany(_Fixed):
    says = (ErrorCode.TOO_MANY_REQUESTS, "too many requests", True)


class Internal(_Fixed):
    says = (ErrorCode.INTERNAL, "internal server error", True)


class PermissionDenied(_Fixed):
    says = (ErrorCode.PERMISSION_DENIED, "permission denied", False)
