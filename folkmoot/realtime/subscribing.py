"""Entering channels without a gap and without a repeat.

In this order: start to keep what the channel says; make sure that the user is still admitted; read where its log ends;
bring this node's delivery up to that point, and read what the client missed up to where it is then; at last, without
waiting again, answer and hand over what was kept beyond it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from folkmoot.realtime import protocol
from folkmoot.realtime.channels import LoggedNamespace, Position, Publication
from folkmoot.realtime.protocol import Since, Subscribe

if TYPE_CHECKING:
    from folkmoot.realtime.client import Client

Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class Entrance:
    """A channel that a client has been shown the end of, and is about to hear."""

    position: Position | None  # None: the channel has no log
    result: Result


class Allowance:
    """How many bytes may still be replayed in one reply: more would fill the queue of a slow client, and end it."""

    def __init__(self, left_bytes: int) -> None:
        self._left_bytes = left_bytes

    def spend(self, publications: Iterable[Publication]) -> bool:
        """Whether there was enough left for these."""
        self._left_bytes -= sum(len(publication.encoded) for publication in publications)
        return self._left_bytes >= 0


async def enter(client: "Client", wanted: Mapping[str, Since | None]) -> dict[str, Entrance]:
    """Prepares the client to hear these channels; `settle` lets it. Those its user is not admitted to are left out."""
    engine = client.engine
    for channel in wanted:
        engine.hub.enter(channel, client)
    try:
        entrances: dict[str, Entrance] = {}
        allowance = Allowance(engine.limits.recovered_bytes)
        # From here on the hub takes out whom the server takes out; whoever was taken out before is found now.
        admitted = await _admitted(client, wanted)
        positions = await _positions(client, admitted)
        for channel, since in wanted.items():
            namespace = engine.namespaces.logged(channel)
            if channel not in admitted:
                client.drop(channel)
            elif namespace is None:
                entrances[channel] = Entrance(None, {})
            elif position := positions.get(channel):
                await engine.broker.align(channel, position)
                # Somebody who looked later may have been here sooner, and the hub says nothing again that they know.
                position = engine.broker.position(channel) or position
                result = await _catch_up(client, namespace, channel, since, position, allowance)
                entrances[channel] = Entrance(position, result)
            else:
                client.drop(channel)
        return entrances
    except BaseException:  # cancelled, too: who was not let in must not hear on
        for channel in wanted:
            client.drop(channel)
        raise


def settle(
    client: "Client", entrances: Mapping[str, Entrance], *, asked: bool
) -> tuple[dict[str, Result], list[bytes]]:
    """Lets the client hear the channels. Returns the results, and the lines that follow the reply.

    A channel that the user was taken out of in the meantime is not among them, and none when the client has gone.
    """
    results: dict[str, Result] = {}
    missed: list[bytes] = []
    for channel, entrance in entrances.items():
        if not client.is_open:
            client.drop(channel)
        if not client.engine.hub.is_entering(channel, client):
            continue
        offset = entrance.position.offset if entrance.position else 0
        missed += client.engine.hub.settle(channel, client, offset)
        client.keep(channel, asked=asked)
        results[channel] = entrance.result
    return results, missed


def watch(client: "Client", subscriptions: Mapping[str, Subscribe]) -> None:
    """Tells the client who comes and goes in those channels that it asked for."""
    for channel, subscription in subscriptions.items():
        if subscription.join_leave and client.is_open:
            client.engine.presence.watch(channel, client.id, client.outlet)


def take_over(client: "Client", channel: str) -> Result | None:
    """Makes a subscription of the server the client's own, where it stands; None when there is none.

    The client has been told everything up to that position, so that nothing falls between the two.
    """
    engine = client.engine
    position = engine.broker.position(channel)
    if channel not in client.channels or position is None:
        return None
    engine.hub.say_now(channel)
    client.channels[channel] = True
    return protocol.subscribed(
        epoch=position.epoch, offset=position.offset, was_recovering=False, recovered=False, publications=[]
    )


async def _admitted(client: "Client", channels: Iterable[str]) -> set[str]:
    admitted: set[str] = set()
    for namespace, names in client.engine.namespaces.grouped(channels):
        found = await namespace.still_admitted([(client.user_id, name) for name in names])
        admitted |= {channel for _, channel in found}
    return admitted


async def _positions(client: "Client", channels: Iterable[str]) -> dict[str, Position]:
    positions: dict[str, Position] = {}
    for namespace, names in client.engine.namespaces.grouped_logged(channels):
        positions |= await namespace.positions(names)
    return positions


async def _catch_up(
    client: "Client",
    namespace: LoggedNamespace,
    channel: str,
    since: Since | None,
    position: Position,
    allowance: Allowance,
) -> Result:
    """The result of a subscription. What was missed is given whole or not at all."""
    missed: Sequence[Publication] | None = []
    if since is not None:
        missed = await _missed(client, namespace, channel, since, position)
        if missed is not None and not allowance.spend(missed):
            missed = None
        client.engine.counted.recoveries[missed is not None] += 1
    return protocol.subscribed(
        epoch=position.epoch,
        offset=position.offset,
        was_recovering=since is not None,
        recovered=since is not None and missed is not None,
        publications=[publication.encoded for publication in missed or []],
    )


async def _missed(
    client: "Client", namespace: LoggedNamespace, channel: str, since: Since, position: Position
) -> Sequence[Publication] | None:
    """All publications after `since` up to `position`; None when they cannot be given completely."""
    gap = position.offset - since.offset
    if since.epoch != position.epoch or not 0 <= gap <= client.engine.limits.recovered:
        return None
    return await client.engine.recent.between(namespace, channel, since.offset, position) if gap else []
