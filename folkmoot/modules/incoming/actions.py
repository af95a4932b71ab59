"""Incoming hooks: make one, see which there are and when they were used, take one away; and post through one."""

import uuid

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Target
from folkmoot.cutting import cut
from folkmoot.database import Connection
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.events.event import Draft, Person
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.accounts.schemas import AccountId
from folkmoot.modules.incoming import slack, store
from folkmoot.modules.incoming.schemas import Hook, HookId, Hooks, MadeHook, NewHook, Posted
from folkmoot.modules.rooms import actions as rooms
from folkmoot.modules.sessions.tokens import HOOK_PREFIX, has_mark, hash_token, new_marked_token

KEYS = uuid.UUID("7b1f3c1e-51c5-4a64-9d3b-0f6c6d1f2f0a")  # idempotency keys become ids below this one


@action(access=Access.ADMIN, reach=Reach.ALL)
async def hooks(call: Call, _: Nothing) -> Hooks:
    """All incoming hooks of all rooms, by room."""
    async with call.core.database.connection() as connection:
        return Hooks(hooks=await store.all_hooks(connection))


@action(access=Access.ADMIN, reach=Reach.ROOM, audits=True)
async def make(call: Call, given: NewHook) -> MadeHook:
    """Makes a hook into a room that the caller is in. Its address is a secret, and is shown this once.

    What it posts is said by a bot of its own, which everybody sees join.
    """
    token = new_marked_token(HOOK_PREFIX)
    async with call.core.database.transaction() as connection:
        await rooms.lock_mine(connection, call, given.room_id)
        most = call.core.settings.hooks_per_room
        if await store.count_in(connection, given.room_id) >= most:
            raise Conflict(f"A room can have {most} incoming hooks. Take one away that is not used.")
        bot = await accounts.add_bot(connection, given.name)
        joined = await rooms.let_in(connection, given.room_id, Person(bot.id, bot.name))
        hook_id = await store.insert(
            connection,
            room_id=given.room_id,
            bot_id=bot.id,
            made_by=call.caller.user_id,
            token_hash=hash_token(token),
        )
        hook = await _hook(connection, hook_id)
        await call.note(connection, Target("hook", hook_id, bot.name), room=given.room_id)
    if joined is not None:
        rooms.tell_joined(call, given.room_id, bot.id, joined)
    return MadeHook(hook=hook, address=f"{call.core.settings.public_url}/api/v1.0/hooks/{token}")


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def revoke(call: Call, given: HookId) -> Done:
    """Takes a hook away: its address is worth nothing from then on. What it posted stays."""
    async with call.core.database.transaction() as connection:
        hook = await store.delete(connection, given.hook_id)
        if hook is None:
            raise NotFound("There is no such hook.")
        is_in = await rooms.still_members(connection, [(hook.bot.id, hook.room_id)])
        left = await rooms.let_out(connection, hook.room_id, hook.bot) if is_in else None
        await call.note(connection, Target("hook", hook.id, hook.bot.name), room=hook.room_id)
    if left is not None:
        rooms.tell_left(call, hook.room_id, hook.bot.id, left)
    return await accounts.disable(call, AccountId(user_id=hook.bot.id))


@action(access=Access.ANYONE, reach=Reach.HOLDER)
async def post(call: Call, given: Posted) -> Done:
    """Posts through a hook. With the same `key` it is one message, however often it is posted."""
    hook = await _find(call, given.token)
    settings = call.core.settings
    await call.core.limiter.spend(f"hook:{hook.id}", limit=settings.hook_per_minute, window_s=60)
    body = read(given.payload)
    if not body:
        raise Invalid("There is nothing to post. Give `body` in Markdown; or `text`, `blocks` or `attachments`.")
    client_id = uuid.uuid5(KEYS, given.key) if given.key else uuid.uuid4()
    body = cut(body, settings.message_chars)
    await call.core.writer.append(Draft(hook.room_id, "message", hook.bot, body, client_id))
    async with call.core.database.connection() as connection:
        await store.mark_used(connection, hook.id)
    return Done()


def read(payload: dict[str, object]) -> str:
    """The message in a payload: our own shape, or Slack's. Empty when there is none."""
    body = payload.get("body")
    said = body if isinstance(body, str) else slack.message(payload)
    # PostgreSQL has no NUL in text, and UTF-8 has no halves of characters.
    return said.replace("\x00", "").encode("utf-8", "replace").decode().strip()


async def _find(call: Call, token: str) -> store.Target:
    """Where the hook leads. A token that was never made, and one that was revoked, are answered alike."""
    hook = None
    if has_mark(token, HOOK_PREFIX):
        async with call.core.database.connection() as connection:
            hook = await store.find(connection, hash_token(token))
    if hook is None:
        raise NotFound("There is no such hook. It may have been taken away.")
    return hook


async def _hook(connection: Connection, hook_id: int) -> Hook:
    (hook,) = [hook for hook in await store.all_hooks(connection) if hook.id == hook_id]
    return hook
