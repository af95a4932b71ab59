"""What each command of the protocol does. A command answers the lines to send: its reply, and what must follow it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from folkmoot.actions import Caller
from folkmoot.errors import Error, NotSignedIn
from folkmoot.realtime import codes, protocol
from folkmoot.realtime.channels import LoggedNamespace
from folkmoot.realtime.protocol import (
    Channel,
    Connect,
    History,
    Publish,
    Refresh,
    Rpc,
    Send,
    Since,
    Subscribe,
)
from folkmoot.realtime.subscribing import enter, settle, take_over, watch

if TYPE_CHECKING:
    from folkmoot.realtime.client import Client

log = structlog.get_logger(__name__)

Lines = list[bytes]

JOINED = "joined"  # not a client's command: the server subscribed the user to a channel

# These neither depend on each other nor on the order of their replies; the others are done one after the other.
INDEPENDENT = frozenset({"publish", "rpc", "history", "presence", "presence_stats"})

# What says or does something, of which there may be fewer than of what only listens.
MESSAGES = frozenset({"publish", "rpc", "send"})


async def connect(client: "Client", command_id: int, request: Connect) -> Lines:
    """Lets the client in when it is its turn; how long that takes is not for the client to answer for."""
    client.engine.heartbeat.attend(client)
    try:
        async with client.engine.line:
            return await _let_in(client, command_id, request) if client.is_open else []
    finally:
        client.engine.heartbeat.expect_again(client)


async def _let_in(client: "Client", command_id: int, request: Connect) -> Lines:
    engine = client.engine
    if request.token or client.caller is None:
        try:
            client.caller = await engine.authenticate(request.token)
        except NotSignedIn:
            client.close(codes.INVALID_TOKEN)
            return []
    if not client.is_open:
        return []
    caller = client.signed_in
    if engine.hub.sockets_of(caller.user_id) >= engine.limits.sockets_per_user:
        client.close(codes.CONNECTION_LIMIT)
        return []
    if not engine.hub.attach(client):
        client.close(codes.FORCE_DISCONNECT)
        return []
    try:
        return await _welcome(client, command_id, request, caller)
    except BaseException:  # cancelled, too: who was not let in must not count as being in
        engine.hub.detach(client)
        raise


async def _welcome(client: "Client", command_id: int, request: Connect, caller: Caller) -> Lines:
    """Subscribes the client to what is its user's, from where it left off."""
    engine = client.engine
    channels = await engine.channels_of(caller)
    if len(channels) > engine.limits.channels:  # no reason to send somebody away: others may have put them there
        log.warning("client.too_many_channels", user=caller.user_id, channels=len(channels))
    named = {channel: request.subs.get(channel) for channel in channels[: engine.limits.channels]}
    entrances = await enter(client, {channel: sub.since if sub else None for channel, sub in named.items()})
    subs, missed = settle(client, entrances, asked=False)
    if not client.is_open:
        return []
    watch(client, {channel: request.subs[channel] for channel in subs if channel in request.subs})
    client.introduce()
    result = protocol.connected(
        client=client.id,
        version=engine.version,
        ping_s=max(1, round(engine.ping_s)),
        expires_in_s=int(caller.expires_in_s) if request.token else None,
        subs=subs,
    )
    return [protocol.reply(command_id, "connect", result), *missed]


async def subscribe(client: "Client", command_id: int, request: Subscribe) -> Lines:
    channel = request.channel
    namespace = client.engine.namespaces.of(channel)
    # One that the server made may be asked for: the client then handles it itself.
    if client.channels.get(channel):
        raise protocol.AlreadySubscribed
    if len(client.channels) >= client.engine.limits.channels:
        raise protocol.LimitExceeded
    await namespace.admit(client.signed_in, channel)
    if request.since is None and (result := take_over(client, channel)):
        watch(client, {channel: request})
        return [protocol.reply(command_id, "subscribe", result)]
    client.drop(channel)
    results, missed = settle(client, await enter(client, {channel: request.since}), asked=True)
    if channel not in results:
        raise protocol.PermissionDenied
    watch(client, {channel: request})
    return [protocol.reply(command_id, "subscribe", results[channel]), *missed]


async def joined(client: "Client", _: int, request: Channel) -> Lines:
    """The server subscribes the client to a channel: a room that its user has just come into."""
    channel = request.channel
    if channel in client.channels:
        return []
    try:
        entrances = await enter(client, {channel: None})
    except Error:  # it must not live on without the room: when it comes back it finds it among its own
        client.close(codes.INSUFFICIENT_STATE)
        return []
    results, missed = settle(client, entrances, asked=False)
    return [*(protocol.subscribe_push(channel, result) for result in results.values()), *missed]


async def unsubscribe(client: "Client", command_id: int, request: Channel) -> Lines:
    client.drop(request.channel)
    return [protocol.reply(command_id, "unsubscribe", {})]


async def publish(client: "Client", command_id: int, request: Publish) -> Lines:
    namespace = client.engine.namespaces.of(request.channel)
    await namespace.publish(client.signed_in, request.channel, bytes(request.data), client.id)
    return [protocol.reply(command_id, "publish", {})]


async def history(client: "Client", command_id: int, request: History) -> Lines:
    channel = request.channel
    await client.engine.namespaces.of(channel).admit(client.signed_in, channel)
    namespace = client.engine.namespaces.logged(channel)
    position = (await namespace.positions([channel])).get(channel) if namespace else None
    if namespace is None or position is None:
        raise protocol.NotAvailable
    if request.since is not None and request.since.epoch not in ("", position.epoch):
        raise protocol.Unrecoverable
    result: dict[str, object] = {"epoch": position.epoch, "offset": position.offset}
    if request.limit:
        result["publications"] = await _page(client, namespace, request, position.offset)
    return [protocol.reply(command_id, "history", result)]


async def _page(client: "Client", namespace: LoggedNamespace, request: History, head: int) -> list[msgspec.Raw]:
    limit = client.engine.limits.page
    if 0 < request.limit < limit:
        limit = request.limit
    since = request.since or Since(offset=head + 1 if request.reverse else 0)
    if request.reverse:
        found = await namespace.before(request.channel, since.offset, limit)
    else:
        found = await namespace.after(request.channel, since.offset, limit)
    return [msgspec.Raw(publication.encoded) for publication in found]


async def presence(client: "Client", command_id: int, request: Channel) -> Lines:
    users = await _present(client, request.channel)
    result = {"presence": {one: {"client": one, "user": user} for one, user in users.items()}}
    return [protocol.reply(command_id, "presence", result)]


async def presence_stats(client: "Client", command_id: int, request: Channel) -> Lines:
    users = await _present(client, request.channel)
    result = {"num_clients": len(users), "num_users": len(set(users.values()))}
    return [protocol.reply(command_id, "presence_stats", result)]


async def _present(client: "Client", channel: str) -> dict[str, str]:
    await client.engine.namespaces.of(channel).admit(client.signed_in, channel)
    return dict(await client.engine.presence.of(channel))


async def rpc(client: "Client", command_id: int, request: Rpc) -> Lines:
    result = await client.engine.call(client.signed_in, request.method, bytes(request.data), client.address)
    return [protocol.reply(command_id, "rpc", {"data": msgspec.Raw(result)})]


async def send(client: "Client", _: int, request: Send) -> Lines:
    """Asynchronous messages mean nothing here: they spend the client's budget of commands, and that is all."""
    return []


async def refresh(client: "Client", command_id: int, request: Refresh) -> Lines:
    """Goes on with another token of the same user."""
    try:
        caller = await client.engine.authenticate(request.token)
    except NotSignedIn:
        client.close(codes.INVALID_TOKEN)
        return []
    if caller.user_id != client.user_id:
        client.close(codes.INVALID_TOKEN)
    if not client.is_open:
        return []
    client.engine.hub.detach(client)
    client.caller = caller
    if not client.engine.hub.attach(client):
        client.close(codes.FORCE_DISCONNECT)
        return []
    result = {
        "client": client.id,
        "version": client.engine.version,
        "expires": True,
        "ttl": int(caller.expires_in_s),
    }
    return [protocol.reply(command_id, "refresh", result)]


async def sub_refresh(client: "Client", command_id: int, request: Refresh) -> Lines:
    """Subscriptions have no tokens of their own here: they end with the membership."""
    raise protocol.NotAvailable


Handler = Callable[["Client", int, Any], Awaitable[Lines]]

COMMANDS: dict[str, Handler] = {
    "connect": connect,
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "publish": publish,
    "history": history,
    "presence": presence,
    "presence_stats": presence_stats,
    "rpc": rpc,
    "send": send,
    "refresh": refresh,
    "sub_refresh": sub_refresh,
    JOINED: joined,
}
