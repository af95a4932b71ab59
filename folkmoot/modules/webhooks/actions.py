"""Outgoing webhooks: name an address that is told what happens in a room. For admins."""

from folkmoot.actions import Access, Call, Done, Nothing, Reach, action
from folkmoot.audit.entry import Target
from folkmoot.database import Connection
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.modules.rooms.actions import find as find_room
from folkmoot.modules.webhooks import reach, signing, store
from folkmoot.modules.webhooks.schemas import NewWebhook, Webhook, WebhookId, Webhooks, WebhookWithSecret
from folkmoot.modules.webhooks.waking import TOPIC, line_of, wake

BOTH_SECRETS_S = 86_400  # for so long the old secret signs beside a new one


@action(access=Access.ADMIN, reach=Reach.ALL)
async def hooks(call: Call, _: Nothing) -> Webhooks:
    """All webhooks with their state, by room."""
    async with call.core.database.connection() as connection:
        return Webhooks(hooks=await store.hooks(connection))


@action(access=Access.ADMIN, reach=Reach.ROOM, audits=True)
async def add(call: Call, given: NewWebhook) -> WebhookWithSecret:
    """Tells an address what happens in a room of the caller from now on. Its secret is shown only now."""
    async with call.core.database.connection() as connection:
        await find_room(connection, call.caller.user_id, given.room_id)
    await _check_reach(call, given.url)
    secret = signing.new_secret()
    async with call.core.database.transaction() as connection:
        most = call.core.settings.webhooks_per_room
        if await store.count_of_room(connection, given.room_id) >= most:
            raise Conflict(f"A room can have {most} webhooks at most.")
        room = await find_room(connection, call.caller.user_id, given.room_id)
        hook_id = await store.insert(
            connection,
            room_id=room.id,
            url=given.url,
            delivered_seq=room.head_seq,
            secret=secret,
            user_id=call.caller.user_id,
        )
        hook = await _find(connection, hook_id)
        # The rest of an address may be a secret of whoever receives there.
        await call.note(connection, Target("webhook", hook_id, reach.split(given.url).host), room=room.id)
    call.core.bus.publish(TOPIC, b"")
    return WebhookWithSecret(hook=hook, secret=signing.shown(secret))


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def remove(call: Call, given: WebhookId) -> Done:
    """Ends a webhook. What it was not told yet, it will not be."""
    async with call.core.database.transaction() as connection:
        if not await store.remove(connection, given.hook_id):
            raise NotFound("There is no such webhook.")
        await call.core.jobs.forget(connection, line_of(given.hook_id))
        await call.note(connection, Target("webhook", given.hook_id))
    call.core.bus.publish(TOPIC, b"")
    return Done()


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def rotate(call: Call, given: WebhookId) -> WebhookWithSecret:
    """Gives a webhook another secret, shown only now. For a day each delivery is signed with the old one too."""
    secret = signing.new_secret()
    async with call.core.database.transaction() as connection:
        if not await store.rotate(connection, given.hook_id, secret, BOTH_SECRETS_S):
            raise NotFound("There is no such webhook.")
        hook = await _find(connection, given.hook_id)
        await call.note(connection, Target("webhook", given.hook_id))
    return WebhookWithSecret(hook=hook, secret=signing.shown(secret))


@action(access=Access.ADMIN, reach=Reach.ALL, audits=True)
async def retry(call: Call, given: WebhookId) -> Done:
    """Delivers at once what could not be delivered, and goes on."""
    async with call.core.database.transaction() as connection:
        if not await store.activate(connection, given.hook_id):
            raise NotFound("There is no such webhook.")
        await call.core.jobs.forget(connection, line_of(given.hook_id))  # also one that waits for its next attempt
        await call.note(connection, Target("webhook", given.hook_id))
    call.core.bus.publish(TOPIC, b"")
    await wake(call.core, [given.hook_id])
    return Done()


async def _check_reach(call: Call, url: str) -> None:
    """Says at once what each delivery would find out."""
    parts = reach.split(url)
    try:
        await reach.find(parts.host, parts.port, call.core.settings.webhook_networks, encrypted=parts.scheme == "https")
    except reach.Unreachable as error:
        raise Invalid(fields={"url": [str(error)]}) from None


async def _find(connection: Connection, hook_id: int) -> Webhook:
    hook = await store.find(connection, hook_id)
    if hook is None:
        raise NotFound("There is no such webhook.")
    return hook
