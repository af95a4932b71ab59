"""Rooms: make, find, join and leave them. A room is always found through the member."""

from collections.abc import Sequence

from folkmoot.actions import Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Target
from folkmoot.database import Connection
from folkmoot.errors import Conflict, NoSuchRoom, NotFound
from folkmoot.events import store as events
from folkmoot.events.event import Draft, Event, Kind, Person
from folkmoot.modules.rooms import store
from folkmoot.modules.rooms.schemas import (
    Members,
    NewMember,
    NewRoom,
    OpenRooms,
    Room,
    RoomId,
    Rooms,
)

FIRST_ROOM = "General"
FIRST_TOPIC = "Everybody is here"


def channel_of(room_id: int) -> str:
    """The name of a room's channel on sockets."""
    return f"room:{room_id}"


def typing_channel_of(room_id: int) -> str:
    """The name of the channel beside it, for who is typing."""
    return f"typing:{room_id}"


@action(reach=Reach.OWN)
async def mine(call: Call, _: Nothing) -> Rooms:
    """The rooms the caller is in, by name."""
    async with call.core.database.connection() as connection:
        return Rooms(rooms=await store.of_user(connection, call.caller.user_id))


@action(reach=Reach.ALL)
async def directory(call: Call, _: Nothing) -> OpenRooms:
    """The open rooms the caller could join."""
    async with call.core.database.connection() as connection:
        return OpenRooms(rooms=await store.open_to(connection, call.caller.user_id))


@action(reach=Reach.ROOM)
async def get(call: Call, given: RoomId) -> Room:
    """A room of the caller."""
    async with call.core.database.connection() as connection:
        return await find(connection, call.caller.user_id, given.room_id)


@action(reach=Reach.ALL)
async def create(call: Call, given: NewRoom) -> Room:
    """Makes a room with the caller in it."""
    caller = call.caller
    async with call.core.database.transaction() as connection:
        room_id = await store.insert(connection, name=given.name, topic=given.topic, visibility=given.visibility)
        await store.add_member(connection, room_id, caller.user_id)
        await _check_number_of_rooms(connection, call, caller.user_id)
        event = await _append(connection, room_id, "created", caller.person)
        await store.mark_read(connection, room_id, caller.user_id, event.seq)
        room = await find(connection, caller.user_id, room_id)
    tell_joined(call, room_id, caller.user_id, event)
    return room


@action(reach=Reach.OPEN_ROOM)
async def join(call: Call, given: RoomId) -> Room:
    """Lets the caller into an open room. Joining a room one is in changes nothing."""
    caller = call.caller
    async with call.core.database.transaction() as connection:
        if not await store.lock_open(connection, given.room_id) and not await store.lock_mine(
            connection, caller.user_id, given.room_id
        ):
            raise NotFound("There is no such open room.")
        event = await let_in(connection, given.room_id, caller.person)
        if event is not None:
            await _check_number_of_rooms(connection, call, caller.user_id)
            await store.mark_read(connection, given.room_id, caller.user_id, event.seq)
        room = await find(connection, caller.user_id, given.room_id)
    if event is not None:
        tell_joined(call, given.room_id, caller.user_id, event)
    return room


@action(reach=Reach.ROOM, audits=True)
async def add(call: Call, given: NewMember) -> Members:
    """Lets somebody else into a room of the caller. Adding somebody who is in changes nothing."""
    async with call.core.database.transaction() as connection:
        await lock_mine(connection, call, given.room_id)
        person = await store.person(connection, given.user_id)
        if person is None:
            raise NotFound("There is no such person.")
        event = await let_in(connection, given.room_id, person)
        if event is not None:
            await _check_number_of_rooms(connection, call, person.id)
        await call.note(connection, Target("account", person.id), room=given.room_id)
        members = await store.members(connection, given.room_id)
    if event is not None:
        tell_joined(call, given.room_id, given.user_id, event)
    return Members(members=members)


@action(reach=Reach.ROOM)
async def leave(call: Call, given: RoomId) -> Done:
    """Takes the caller out of a room; nothing of it reaches them from then on."""
    caller = call.caller
    async with call.core.database.transaction() as connection:
        await lock_mine(connection, call, given.room_id)
        event = await let_out(connection, given.room_id, caller.person)
    tell_left(call, given.room_id, caller.user_id, event)
    return Done()


@action(reach=Reach.ROOM)
async def members(call: Call, given: RoomId) -> Members:
    """Who is in a room of the caller, by name."""
    async with call.core.database.connection() as connection:
        await find(connection, call.caller.user_id, given.room_id)
        return Members(members=await store.members(connection, given.room_id))


async def find(connection: Connection, user_id: int, room_id: int) -> Room:
    """The room through its member. Raises NotFound alike for rooms of others and rooms that are not."""
    room = await store.find(connection, user_id, room_id)
    if room is None:
        raise NoSuchRoom
    return room


async def check_member(connection: Connection, user_id: int, room_id: int) -> None:
    """Raises NotFound unless the user is in the room."""
    if not await still_members(connection, [(user_id, room_id)]):
        raise NoSuchRoom


async def still_members(connection: Connection, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the (user, room) pairs where the user is in the room."""
    found = await events.members_among(connection, [(room_id, user_id) for user_id, room_id in pairs])
    return {(user_id, room_id) for room_id, user_id in found}


async def rooms_of(connection: Connection, user_ids: Sequence[int]) -> dict[int, list[int]]:
    """The ids of the rooms that each of the users is in."""
    rooms: dict[int, list[int]] = {user_id: [] for user_id in user_ids}
    for user_id, room_id in await store.memberships(connection, user_ids):
        rooms[user_id].append(room_id)
    return rooms


async def mark_read_up_to(connection: Connection, user_id: int, room_id: int, seq: int) -> int:
    """Moves the member's read position forward and returns it. Raises NotFound as `find` does."""
    read_seq = await store.mark_read(connection, room_id, user_id, seq)
    if read_seq is None:
        raise NoSuchRoom
    return read_seq


async def welcome(connection: Connection, user_id: int, name: str) -> list[Event]:
    """Lets a new account into the rooms that welcome everybody; the first account of all finds one made for it."""
    room_ids = await store.welcoming(connection)
    person = Person(user_id, name)
    if not room_ids:
        room_id = await store.insert(connection, name=FIRST_ROOM, topic=FIRST_TOPIC, visibility="open", welcome=True)
        await store.add_member(connection, room_id, user_id)
        return [await _append(connection, room_id, "created", person)]
    joined = [await let_in(connection, room_id, person) for room_id in room_ids]
    return [event for event in joined if event is not None]


async def _check_number_of_rooms(connection: Connection, call: Call, user_id: int) -> None:
    """Raises Conflict when the user is in more rooms than one may be, by their own doing or somebody else's."""
    most = call.core.settings.rooms_per_user
    if await store.count_memberships(connection, user_id) > most:
        raise Conflict(f"Nobody can be in more than {most} rooms.")


async def lock_mine(connection: Connection, call: Call, room_id: int) -> None:
    """Locks a room of the caller until the transaction ends. Raises NoSuchRoom."""
    if not await store.lock_mine(connection, call.caller.user_id, room_id):
        raise NoSuchRoom


async def let_in(connection: Connection, room_id: int, person: Person) -> Event | None:
    """Lets the person in. What was said before is no news to them; that they are in may be."""
    if not await store.add_member(connection, room_id, person.id):
        return None
    event = await _append(connection, room_id, "joined", person)
    await store.mark_read(connection, room_id, person.id, event.seq - 1)
    return event


async def let_out(connection: Connection, room_id: int, person: Person) -> Event:
    """Takes the person out, who must be in."""
    event = await _append(connection, room_id, "left", person)
    await store.remove_member(connection, room_id, person.id)
    return event


async def _append(connection: Connection, room_id: int, kind: Kind, person: Person) -> Event:
    """Says in the log what happens to somebody, who must be in the room while it is said."""
    _, (event,) = await events.append(connection, [Draft(room_id, kind, person)])
    return event


def tell_left(call: Call, room_id: int, user_id: int, event: Event) -> None:
    """Once the transaction is safe: nothing of the room reaches them any more."""
    for channel in (channel_of(room_id), typing_channel_of(room_id)):
        call.core.sockets.leave(user_id, channel)
    call.core.announce([event])


def tell_joined(call: Call, room_id: int, user_id: int, event: Event) -> None:
    """Once the transaction is safe."""
    call.core.announce([event])
    call.core.sockets.join(user_id, channel_of(room_id))
