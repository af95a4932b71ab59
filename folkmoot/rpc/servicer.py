"""Folkmoot's own service: it reads messages, calls actions and writes messages, and holds no rules."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, cast

from folkmoot.actions import Call
from folkmoot.core import Core
from folkmoot.proto import folkmoot_pb2 as pb
from folkmoot.proto.folkmoot_pb2_grpc import FolkmootServicer
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.hub import Hub
from folkmoot.rpc.door import Guest, guest
from folkmoot.rpc.events import Frames, as_many_as_fit, message_of
from folkmoot.rpc.methods import call_method
from folkmoot.rpc.status import Context
from folkmoot.rpc.streams import Streams
from folkmoot.rpc.subscription import Page, Subscription

NAME = "folkmoot.v1.Folkmoot"


class Folkmoot(FolkmootServicer):
    def __init__(self, core: Core, hub: Hub, broker: Broker, streams: Streams) -> None:
        self._core = core
        self._hub = hub
        self._broker = broker
        self._streams = streams
        self._frames = Frames()

    async def Send(self, request: pb.SendRequest, context: Context) -> pb.Event:  # noqa: N802 - as in the contract
        given = {"room_id": request.room_id, "body": request.body, "client_id": request.client_id}
        return message_of(await self._perform(guest(), "messages.send", given))

    async def History(self, request: pb.HistoryRequest, context: Context) -> pb.Page:  # noqa: N802
        given: dict[str, object] = {"room_id": request.room_id}
        given |= {name: getattr(request, name) for name in ("before", "after") if request.HasField(name)}
        if request.limit:
            given["limit"] = request.limit
        page = await self._perform(guest(), "messages.history", given)
        events = as_many_as_fit(page.events, newest="after" not in given)
        more = page.more or len(events) < len(page.events)
        return pb.Page(events=events, epoch=page.epoch, head_seq=page.head_seq, more=more)

    async def Subscribe(self, request: pb.SubscribeRequest, context: Context) -> AsyncIterator[bytes]:  # noqa: N802
        who = guest()
        subscription = Subscription(
            self._hub,
            self._broker,
            self._frames,
            caller=who.caller,
            channel=f"room:{request.room_id}",
            read=partial(self._read_after, who, request.room_id),
            queue_bytes=self._core.settings.grpc_queue_bytes,
        )
        with self._streams.open(who.caller, subscription):
            offset = request.offset if request.HasField("offset") else None
            async with aclosing(subscription.told(offset, request.epoch)) as messages:
                async for message in messages:
                    yield message

    async def Call(self, request: pb.CallRequest, context: Context) -> pb.CallReply:  # noqa: N802
        who = guest()
        method = f"{request.module}.{request.action}"
        given = (request.json or "{}").encode()
        result = await call_method(self._core, who.caller, method, given, who.address)
        return pb.CallReply(json=result.decode())

    async def _read_after(self, who: Guest, room_id: int, offset: int | None) -> Page:
        if offset is None:
            return cast("Page", await self._perform(who, "messages.history", {"room_id": room_id, "limit": 1}))
        limit = self._core.settings.page_events
        given = {"room_id": room_id, "after": offset, "limit": limit}
        return cast("Page", await self._perform(who, "messages.history", given))

    async def _perform(self, who: Guest, method: str, given: Mapping[str, object]) -> Any:
        return await self._core.registry.find(method).perform(Call(self._core, who.caller, who.address), given)
