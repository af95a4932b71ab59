"""What the product asks of open sockets, wherever they are: here at once, and on the other nodes over the bus."""

from collections.abc import Sequence

import msgspec

from folkmoot.bus import Bus
from folkmoot.realtime.hub import Hub

TOPIC = "sockets"


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to do with the sockets of a node."""

    node: str
    join: tuple[int, str] | None = None
    leave: tuple[int, str] | None = None
    revoke: tuple[int, ...] = ()


class Sockets:
    def __init__(self, node: str, bus: Bus, hub: Hub) -> None:
        self._node = node
        self._bus = bus
        self._hub = hub
        bus.receive(TOPIC, self._heard)

    def join(self, user_id: int, channel: str) -> None:
        """Subscribes all sockets of the user to the channel."""
        self._order(Order(self._node, join=(user_id, channel)))

    def leave(self, user_id: int, channel: str) -> None:
        """Ends the subscriptions of the user; nothing of the channel reaches them any more."""
        self._order(Order(self._node, leave=(user_id, channel)))

    def revoke(self, session_ids: Sequence[int]) -> None:
        """Closes the sockets of these sessions for good."""
        self._order(Order(self._node, revoke=tuple(session_ids)))

    def _order(self, order: Order) -> None:
        self._carry_out(order)
        self._bus.publish(TOPIC, msgspec.json.encode(order))

    def _heard(self, payload: bytes) -> None:
        order = msgspec.json.decode(payload, type=Order)
        if order.node != self._node:
            self._carry_out(order)

    def _carry_out(self, order: Order) -> None:
        if order.join:
            self._hub.join(*order.join)
        if order.leave:
            self._hub.leave(*order.leave)
        if order.revoke:
            self._hub.end_sessions(order.revoke)
