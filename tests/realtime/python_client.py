"""A client made of the unmodified `centrifuge-python` of PyPI, which remembers what happened to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from centrifuge import (
    Client,
    ClientEventHandler,
    Subscription,
    SubscriptionEventHandler,
)


class Sdk(ClientEventHandler):  # type: ignore[misc]
    """The SDK's client, and what happened to it."""

    def __init__(self, port: int, token: str, path: str, *, host: str = "127.0.0.1", **options: Any) -> None:
        self.happened: list[tuple[str, Any]] = []
        self.client = Client(
            f"ws://{host}:{port}{path}",
            events=self,
            token=token,
            min_reconnect_delay=0.02,
            max_reconnect_delay=0.2,
            proxy=None,
            **options,
        )
        self._own: dict[str, Own] = {}

    async def connect(self) -> None:
        await self.client.connect()
        await self.client.ready()

    async def subscribe(self, channel: str, **options: Any) -> Subscription:
        self._own[channel] = Own()
        subscription = self.client.new_subscription(channel, events=self._own[channel], **options)
        await subscription.subscribe()
        await subscription.ready()
        return subscription

    def heard(self, channel: str) -> list[int]:
        """The offsets that came by the server's subscription."""
        return [ctx.pub.offset for name, ctx in self.happened if name == "publication" and ctx.channel == channel]

    def heard_itself(self, channel: str) -> list[int]:
        """The offsets that came by the client's own subscription."""
        return [ctx.pub.offset for name, ctx in self._own[channel].happened if name == "publication"]

    def comings_and_goings(self, channel: str) -> list[tuple[str, str]]:
        """Who joined and left, as it was told by the client's own subscription."""
        return [(name, ctx.info.user) for name, ctx in self._own[channel].happened if name in ("join", "leave")]

    def times(self, event: str) -> int:
        return [name for name, _ in self.happened].count(event)

    def subscriptions(self, channel: str, *, own: bool) -> list[Any]:
        happened = self._own[channel].happened if own else self.happened
        return [ctx for name, ctx in happened if name == "subscribed" and ctx.channel == channel]

    async def on_connecting(self, ctx: Any) -> None:
        self.happened.append(("connecting", ctx))

    async def on_connected(self, ctx: Any) -> None:
        self.happened.append(("connected", ctx))

    async def on_disconnected(self, ctx: Any) -> None:
        self.happened.append(("disconnected", ctx))

    async def on_subscribed(self, ctx: Any) -> None:
        self.happened.append(("subscribed", ctx))

    async def on_unsubscribed(self, ctx: Any) -> None:
        self.happened.append(("unsubscribed", ctx))

    async def on_publication(self, ctx: Any) -> None:
        self.happened.append(("publication", ctx))


class Own(SubscriptionEventHandler):  # type: ignore[misc]
    def __init__(self) -> None:
        self.happened: list[tuple[str, Any]] = []

    async def on_join(self, ctx: Any) -> None:
        self.happened.append(("join", ctx))

    async def on_leave(self, ctx: Any) -> None:
        self.happened.append(("leave", ctx))

    async def on_subscribed(self, ctx: Any) -> None:
        self.happened.append(("subscribed", ctx))

    async def on_unsubscribed(self, ctx: Any) -> None:
        self.happened.append(("unsubscribed", ctx))

    async def on_publication(self, ctx: Any) -> None:
        self.happened.append(("publication", ctx))


@asynccontextmanager
async def using(port: int, token: str, path: str = "/connection/websocket", **options: Any) -> AsyncIterator[Sdk]:
    sdk = Sdk(port, token, path, **options)
    try:
        yield sdk
    finally:
        await sdk.client.disconnect()
