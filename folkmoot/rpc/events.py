"""Events as messages of gRPC, and pushes of the socket as what a stream tells."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from folkmoot.events.event import Event
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.realtime.frames import texts

MESSAGE_BYTES = 64 << 10  # about what a stream tells in one message, unless a single event is larger
PAGE_BYTES = 3 << 20  # clients take 4 MiB


class _Publication(msgspec.Struct):
    data: Event


class _Said(msgspec.Struct):
    pub: _Publication


class _Push(msgspec.Struct):
    push: _Said


_read_push = msgspec.json.Decoder(_Push).decode


@dataclass(frozen=True, slots=True)
class Told:
    """A message of a stream: the events from `first` to `last`."""

    first: int
    last: int
    encoded: bytes


def message_of(event: Event) -> pb.Event:
    return pb.Event(
        room_id=event.room_id,
        seq=event.seq,
        kind=event.kind,
        author=pb.Person(id=event.author.id, name=event.author.name),
        client_id=str(event.client_id),
        body=event.body,
        created_at=event.created_at,
    )


def told(events: Iterable[Event]) -> Iterator[Told]:
    """The messages that tell these events, of about `MESSAGE_BYTES` each."""
    messages: list[pb.Event] = []
    size = 0
    for event in events:
        message = message_of(event)
        if messages and size + message.ByteSize() > MESSAGE_BYTES:
            yield _told(messages)
            messages, size = [], 0
        messages.append(message)
        size += message.ByteSize()
    if messages:
        yield _told(messages)


def beginning(epoch: str, offset: int) -> bytes:
    """The first message of a stream."""
    return pb.Heard(epoch=epoch, offset=offset).SerializeToString()


def events_in(lines: Iterable[bytes]) -> list[Event]:
    """The events of lines that listeners of a room are sent."""
    return [_read_push(line).push.pub.data for line in lines]


def as_many_as_fit(events: Sequence[Event], *, newest: bool) -> list[pb.Event]:
    """The first of these, or the newest, that fit into one answer; in their order, and one of them in any case."""
    fitting: list[pb.Event] = []
    size = 0
    for event in reversed(events) if newest else events:
        message = message_of(event)
        size += message.ByteSize()
        if fitting and size > PAGE_BYTES:
            break
        fitting.append(message)
    return fitting[::-1] if newest else fitting


class Frames:
    """Reads the frames that the hub sends. All listeners of a room get the same one, so it is read for the first."""

    def __init__(self) -> None:
        self._frame = b""
        self._told: Sequence[Told] = ()

    def read(self, frame: bytes) -> Sequence[Told]:
        if frame is not self._frame:
            self._told = tuple(told(events_in(line for text in texts(frame) for line in text.split(b"\n"))))
            self._frame = frame
        return self._told


def _told(events: Sequence[pb.Event]) -> Told:
    encoded = pb.Heard(offset=events[-1].seq, events=events).SerializeToString()
    return Told(events[0].seq, events[-1].seq, encoded)
