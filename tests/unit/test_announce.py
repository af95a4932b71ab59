"""What is told on the bus stands where it stands in the log."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import pytest

from folkmoot.events.event import Event, Person
from folkmoot.modules.messages.channels import announce
from folkmoot.realtime.broker import Broker


def event(room_id: int, seq: int) -> Event:
    return Event(room_id, seq, "message", Person(1, "Ada"), uuid4(), str(seq), datetime.now(UTC))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ([(1, 4), (1, 5), (2, 9), (1, 6)], [("room:1", [4, 5, 6]), ("room:2", [9])]),
        # A batch that the database refused is written one by one, and another node may write between two of them.
        ([(1, 4), (2, 9), (1, 6), (1, 7)], [("room:1", [4]), ("room:1", [6, 7]), ("room:2", [9])]),
    ],
)
def test_events_are_told_in_runs_without_a_gap(
    said: Sequence[tuple[int, int]], told: list[tuple[str, list[int]]]
) -> None:
    heard: list[tuple[str, list[int]]] = []

    class Ear(Broker):
        def __init__(self) -> None:
            """Nobody else listens."""

        def publish(self, channel: str, publications: Sequence[bytes], *, first: int = 0) -> None:
            offsets = [msgspec.json.decode(publication)["offset"] for publication in publications]
            assert offsets[0] == first
            heard.append((channel, offsets))

    announce(Ear(), [event(*one) for one in said])
    assert sorted(heard) == told
