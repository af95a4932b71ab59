"""What a channel is to the engine: the contract that a module fulfils for each kind of channel it offers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from folkmoot.actions import Caller
from folkmoot.realtime.protocol import UnknownChannel


@dataclass(frozen=True, slots=True)
class Position:
    """Where a channel's log ends. Another epoch means another log, whose offsets say nothing about this one."""

    epoch: str
    offset: int


@dataclass(frozen=True, slots=True)
class Publication:
    """An entry of a channel's log: its offset, and the object that stands in pushes and results."""

    offset: int
    encoded: bytes


class Namespace(Protocol):
    """Channels that are called `<name>:<anything>`, or `<name>` alone."""

    @property
    def name(self) -> str: ...

    async def admit(self, caller: Caller, channel: str) -> None:
        """Returns if the caller may listen now; otherwise raises an Error or a Refusal."""

    async def publish(self, caller: Caller, channel: str, data: bytes, client: str) -> None:
        """Does what a client's `publish` asks for; `data` is JSON."""

    async def still_admitted(self, listeners: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those of the (user id, channel) pairs that would be admitted now."""


class LoggedNamespace(Namespace, Protocol):
    """Channels with a log in the database: offsets, history, recovery."""

    async def positions(self, channels: Collection[str]) -> Mapping[str, Position]:
        """Where the logs end, for those channels that are there."""

    async def after(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        """The first publications after the offset, in order."""

    async def before(self, channel: str, offset: int, limit: int) -> Sequence[Publication]:
        """The last publications before the offset, newest first."""


class Namespaces:
    """All kinds of channels of the product."""

    def __init__(self, *, name_chars: int) -> None:
        self._all: dict[str, Namespace] = {}
        self._logged: dict[str, LoggedNamespace] = {}
        self._name_chars = name_chars

    def add(self, namespace: Namespace) -> None:
        self._all[namespace.name] = namespace

    def add_logged(self, namespace: LoggedNamespace) -> None:
        self.add(namespace)
        self._logged[namespace.name] = namespace

    def of(self, channel: str) -> Namespace:
        """The namespace of a channel. Raises the refusal 102 when there is none."""
        if len(channel) <= self._name_chars and (found := self._all.get(channel.partition(":")[0])):
            return found
        raise UnknownChannel

    def logged(self, channel: str) -> LoggedNamespace | None:
        """The same, if its channels have a log."""
        return self._logged.get(channel.partition(":")[0])

    def grouped(self, channels: Iterable[str]) -> list[tuple[Namespace, list[str]]]:
        """The channels of each namespace, so that it can be asked about all of them at once."""
        return _grouped(self._all, channels)

    def grouped_logged(self, channels: Iterable[str]) -> list[tuple[LoggedNamespace, list[str]]]:
        """The same for those with a log; the others are left out."""
        return _grouped(self._logged, channels)


N = TypeVar("N", bound=Namespace)


def _grouped(namespaces: Mapping[str, N], channels: Iterable[str]) -> list[tuple[N, list[str]]]:
    groups: dict[str, list[str]] = {}
    for channel in channels:
        groups.setdefault(channel.partition(":")[0], []).append(channel)
    return [(namespaces[name], names) for name, names in groups.items() if name in namespaces]
