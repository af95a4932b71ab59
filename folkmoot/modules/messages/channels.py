"""What rooms are on sockets: a channel with a log for each, and one beside it for who is typing."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import lru_cache

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
from folkmoot.realtime.protocol import UnknownChannel, publication
from folkmoot.together import Together

LONGEST_TYPING_BYTES = 1024


class _OfRooms:
    """Channels named after a room; only its members may listen."""

    name: str

    def __init__(self, core: Core) -> None:
        self._core = core
        self._memberships = Together(self._look_up_memberships)

    async def close(self) -> None:
        await self._memberships.close()

    async def admit(self, caller: Caller, channel: str) -> None:
        async with self._core.database.connection() as connection:
            await check_member(connection, caller.user_id, room_of(channel))

    async def still_admitted(self, listeners: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        pairs = [(user_id, room_of(channel)) for user_id, channel in listeners]
        members = await self._memberships.find(pairs)
        return {(user_id, channel) for user_id, channel in listeners if (user_id, room_of(channel)) in members}

    async def _look_up_memberships(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bool]:
        async with self._core.database.connection() as connection:
            return dict.fromkeys(await still_members(connection, pairs), True)


class RoomChannels(_OfRooms):
    """`room:<id>`: the log of a room."""

    name = "room"

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._positions = Together(self._look_up_positions)
        self._rooms = Together(self._look_up_rooms)

    async def close(self) -> None:
        await super().close()
        await self._positions.close()
        await self._rooms.close()

    async def of(self, caller: Caller) -> Sequence[str]:
        """The channels that the server subscribes for a member: all their rooms."""
        return (await self._rooms.find((caller.user_id,))).get(caller.user_id, ())

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None:
        """Sends a message, as the action does."""
        given = _object(data)
        await actions.send.perform(Call(self._core, caller), {**given, "room_id": room_of(channel)})

    async def positions(self, channels: Collection[str]) -> Mapping[str, Position]:
        found = await self._positions.find([room_of(channel) for channel in channels])
        return {channel: found[room_id] for channel in channels if (room_id := room_of(channel)) in found}

    async def after(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        async with self._core.database.connection() as connection:
            events = await log.events_after(connection, room_of(channel), min(offset, MAX_ID), limit)
        return [Publication(event.seq, encode(event)) for event in events]

    async def before(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        async with self._core.database.connection() as connection:
            events = await log.events_before(connection, room_of(channel), min(offset, MAX_ID), limit)
        return [Publication(event.seq, encode(event)) for event in events]

    async def _look_up_positions(self, room_ids: Sequence[int]) -> dict[int, Position]:
        async with self._core.database.connection() as connection:
            found = await log.positions(connection, room_ids)
        return {room_id: Position(at.epoch, at.head) for room_id, at in found.items()}

    async def _look_up_rooms(self, user_ids: Sequence[int]) -> dict[int, list[str]]:
        return await channels_of_users(self._core, user_ids)


class TypingChannels(_OfRooms):
    """`typing:<room id>`: passed on to who listens now, and never stored."""

    name = "typing"

    def __init__(self, core: Core, broker: Broker) -> None:
        super().__init__(core)
        self._broker = broker

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None:
        caller.need_scope("messages", "send")
        await self.admit(caller, channel)
        if len(data) > LONGEST_TYPING_BYTES:
            raise Invalid("That is too much for a channel that nobody keeps.")
        self._broker.publish(channel, [publication(msgspec.Raw(data), user=str(caller.user_id), client=client)])


def add_channels(closing: AsyncExitStack, namespaces: Namespaces, core: Core, broker: Broker) -> RoomChannels:
    """Offers the channels of rooms to sockets."""
    rooms, typing = RoomChannels(core), TypingChannels(core, broker)
    namespaces.add_logged(rooms)
    namespaces.add(typing)
    closing.push_async_callback(rooms.close)
    closing.push_async_callback(typing.close)
    return rooms


async def channels_of_users(core: Core, user_ids: Sequence[int]) -> dict[int, list[str]]:
    """The channels that the server subscribes for each of these users: all their rooms."""
    async with core.database.connection() as connection:
        rooms = await rooms_of(connection, user_ids)
    return {user_id: [channel_of(room_id) for room_id in room_ids] for user_id, room_ids in rooms.items()}


def announce(broker: Broker, events: Sequence[Event]) -> None:
    """Tells the listeners of each room about events that are safe."""
    by_room: dict[int, list[Event]] = {}
    for event in events:
        run = by_room.setdefault(event.room_id, [])
        if run and event.seq != run[-1].seq + 1:  # another node has written between them
            _tell(broker, run)
            run.clear()
        run.append(event)
    for run in by_room.values():
        _tell(broker, run)


def _tell(broker: Broker, run: Sequence[Event]) -> None:
    """Tells of events of one room without a gap."""
    broker.publish(channel_of(run[0].room_id), [encode(event) for event in run], first=run[0].seq)


def encode(event: Event) -> bytes:
    return publication(event, offset=event.seq, user=str(event.author.id))


@lru_cache(10_000)
def room_of(channel: str) -> int:
    """The room that a channel is named after. Only the one spelling of its number will do."""
    number = channel.partition(":")[2]
    if number.isascii() and number.isdigit() and number[0] != "0" and len(number) <= 19 and int(number) <= MAX_ID:
        return int(number)
    raise UnknownChannel


_read_object = msgspec.json.Decoder(dict[str, object]).decode


def _object(data: bytes) -> dict[str, object]:
    try:
        return _read_object(data)
    except (msgspec.DecodeError, RecursionError):
        raise Invalid('The data must be an object such as {"body": "…", "client_id": "…"}.') from None
