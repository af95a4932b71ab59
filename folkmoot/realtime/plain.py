"""Channels without a log that everybody may use: `echo` gives back to its listeners what is published to it."""

from collections.abc import Collection

import msgspec

from folkmoot.actions import Caller
from folkmoot.realtime.broker import Broker
from folkmoot.realtime.protocol import UnknownChannel, publication


class EchoChannel:
    name = "echo"

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def admit(self, caller: Caller, channel: str) -> None:
        if channel != self.name:
            raise UnknownChannel

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None:
        await self.admit(caller, channel)
        self._broker.publish(channel, [publication(msgspec.Raw(data), user=str(caller.user_id), client=client)])

    async def still_admitted(self, listeners: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        return set(listeners)
