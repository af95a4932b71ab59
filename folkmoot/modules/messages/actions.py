"""Messages: say something in a room, read its log, remember how far one has read."""

from folkmoot.actions import Call, Reach, action
from folkmoot.errors import Invalid
from folkmoot.events import store as log
from folkmoot.events.event import Draft, Event
from folkmoot.modules.messages.schemas import NewMessage, Page, PageOf, ReadPosition, ReadUpTo
from folkmoot.modules.rooms.actions import find, mark_read_up_to


@action(reach=Reach.ROOM)
async def send(call: Call, given: NewMessage) -> Event:
    """Sends a message. It is answered once it would survive a power cut; a repeat gives the first event again."""
    longest = call.core.settings.message_chars
    if len(given.body) > longest:
        raise Invalid(fields={"body": [f"Longer than maximum length {longest}."]})
    if not given.body.strip():
        raise Invalid(fields={"body": ["Must not be blank."]})
    draft = Draft(given.room_id, "message", call.caller.person, given.body, given.client_id)
    # The writer finds the room through the member, in the transaction that writes.
    return await call.core.writer.append(draft)


@action(reach=Reach.ROOM)
async def history(call: Call, given: PageOf) -> Page:
    """A page of the log of a room of the caller, oldest event first."""
    if given.before is not None and given.after is not None:
        raise Invalid(fields={"after": ["Give either before or after."]})
    limit = min(given.limit, call.core.settings.page_events)
    async with call.core.database.connection() as connection:
        room = await find(connection, call.caller.user_id, given.room_id)
        if given.after is not None:
            found = await log.events_after(connection, room.id, given.after, limit + 1)
        else:
            before = room.head_seq + 1 if given.before is None else given.before
            found = await log.events_before(connection, room.id, before, limit + 1)
    events, more = found[:limit], len(found) > limit
    if given.after is None:
        events.reverse()
    return Page(events=events, epoch=room.epoch, head_seq=room.head_seq, more=more)


@action(reach=Reach.ROOM)
async def mark_read(call: Call, given: ReadUpTo) -> ReadPosition:
    """Remembers that the caller has read a room up to an event. The position never moves back."""
    async with call.core.database.connection() as connection:
        read_seq = await mark_read_up_to(connection, call.caller.user_id, given.room_id, given.seq)
    return ReadPosition(read_seq=read_seq)
