"""What every action may use: the parts of the running product, handed over by the composition root."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from folkmoot.actions import Registry
from folkmoot.allowance import Allowance
from folkmoot.audit.log import AuditLog
from folkmoot.bus import Bus
from folkmoot.data.databases import Databases
from folkmoot.database import Database
from folkmoot.events.event import Event
from folkmoot.events.writer import Writer
from folkmoot.jobs.queue import Jobs
from folkmoot.keys import Keys
from folkmoot.limits import Limiter
from folkmoot.services import Services
from folkmoot.settings import Settings

if TYPE_CHECKING:
    from folkmoot.modules.accounts.passwords import Passwords
    from folkmoot.modules.commands.schemas import Ran
    from folkmoot.slash.commands import Commands
    from folkmoot.slash.runner import Runner


class Sockets(Protocol):
    """What an action may ask of open sockets, on whichever node they are."""

    def join(self, user_id: int, channel: str) -> None:
        """Subscribes all sockets of the user to the channel."""

    def leave(self, user_id: int, channel: str) -> None:
        """Ends the subscription of all sockets of the user; nothing of the channel reaches them any more."""

    def revoke(self, session_ids: Sequence[int]) -> None:
        """Closes the sockets of these sessions for good."""


@dataclass(frozen=True, slots=True)
class Core:
    settings: Settings
    registry: Registry
    database: Database
    databases: Databases  # by name, for modules that are not ours
    bus: Bus
    limiter: Limiter
    allowance: Allowance
    writer: Writer
    passwords: "Passwords"
    keys: Keys
    sockets: Sockets
    announce: Callable[[Sequence[Event]], None]
    services: Services
    commands: "Commands"
    runner: "Runner[Ran]"
    jobs: Jobs
    audit: AuditLog
    performed: Counter[tuple[str, str]] = field(default_factory=Counter)  # actions, and the code of the error or "ok"
