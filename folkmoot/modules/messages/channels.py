"""What rooms are on sockets: a channel with a log for each, and one beside it for who is typing."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from folkmoot.actions import MAX_ID, Call, Caller
from folkmoot.core import Core
from folkmoot.errors import Invalid
from folkmoot.events import store as log
from folkmoot.events.event import Event
from folkmoot.modules.messages import actions
from folkmoot.modules.rooms.actions import channel_of, check_member, rooms_of, still_members
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.channels import Namespaces, Position, Publication
from folkmoot.realtime.protocol import UNKNOWN_CHANNEL, publication

LONGEST_TYPING_BYTES = 1024


class _OfRooms:
    """Channels named after a room; only its members may listen."""

    name: str

    def __init__(self, core: Core) -> None:
        self._core = core

    async def admit(self, caller: Caller, channel: str) -> None:
        async with self._core.database.connection() as connection:
            await check_member(connection, caller.user_id, room_of(channel))

    async def still_admitted(self, listeners: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        pairs = [(user_id, room_of(channel)) for user_id, channel in listeners]
        async with self._core.database.connection() as connection:
            members = await still_members(connection, pairs)
        return {(user_id, channel) for user_id, channel in listeners if (user_id, room_of(channel)) in members}


class RoomChannels(_OfRooms):
    """`room:<id>`: the log of a room."""

    name = "room"

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None:
        """Sends a message, as the action does."""
        given = _object(data)
        await actions.send.perform(Call(self._core, caller), {**given, "room_id": room_of(channel)})

    async def positions(self, channels: Collection[str]) -> Mapping[str, Position]:
        async with self._core.database.connection() as connection:
            found = await log.positions(connection, [room_of(channel) for channel in channels])
        return {channel_of(room_id): Position(at.epoch, at.head) for room_id, at in found.items()}

    async def after(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        async with self._core.database.connection() as connection:
            events = await log.events_after(connection, room_of(channel), min(offset, MAX_ID), limit)
        return [Publication(event.seq, encode(event)) for event in events]

    async def before(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        async with self._core.database.connection() as connection:
            events = await log.events_before(connection, room_of(channel), min(offset, MAX_ID), limit)
        return [Publication(event.seq, encode(event)) for event in events]


class TypingChannels(_OfRooms):
    """`typing:<room id>`: passed on to who listens now, and never stored."""

    name = "typing"

    def __init__(self, core: Core, broker: Broker) -> None:
        super().__init__(core)
        self._broker = broker

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None:
        await self.admit(caller, channel)
        if len(data) > LONGEST_TYPING_BYTES:
            raise Invalid("That is too much for a channel that nobody keeps.")
        self._broker.publish(channel, [publication(msgspec.Raw(data), user=str(caller.user_id), client=client)])


def add_channels(namespaces: Namespaces, core: Core, broker: Broker) -> None:
    """Offers the channels of rooms to sockets."""
    namespaces.add_logged(RoomChannels(core))
    namespaces.add(TypingChannels(core, broker))


async def channels_of(core: Core, caller: Caller) -> Sequence[str]:
    """The channels that the server subscribes for a member: all their rooms."""
    return (await channels_of_users(core, [caller.user_id]))[caller.user_id]


async def channels_of_users(core: Core, user_ids: Sequence[int]) -> dict[int, list[str]]:
    """The same for each of these users."""
    async with core.database.connection() as connection:
        rooms = await rooms_of(connection, user_ids)
    return {user_id: [channel_of(room_id) for room_id in room_ids] for user_id, room_ids in rooms.items()}


def announce(broker: Broker, events: Sequence[Event]) -> None:
    """Tells the listeners of each room about events that are safe."""
    by_room: dict[int, list[Event]] = {}
    for event in events:
        by_room.setdefault(event.room_id, []).append(event)
    for room_id, in_order in by_room.items():
        broker.publish(channel_of(room_id), [encode(event) for event in in_order], first=in_order[0].seq)


def encode(event: Event) -> bytes:
    return publication(event, offset=event.seq, user=str(event.author.id))


def room_of(channel: str) -> int:
    """The room that a channel is named after. Only the one spelling of its number will do."""
    number = channel.partition(":")[2]
    if number.isascii() and number.isdigit() and number[0] != "0" and len(number) <= 19 and int(number) <= MAX_ID:
        return int(number)
    raise UNKNOWN_CHANNEL


def _object(data: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError):
        raise Invalid('The data must be an object such as {"body": "…", "client_id": "…"}.') from None
