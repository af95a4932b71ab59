"""What the audit log holds: never what somebody wrote, and never a token, a password, a code or a secret."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Outcome = Literal["done", "refused"]
TargetKind = Literal["account", "session", "token", "room", "webhook", "hook", "job"]
Detail = str | int | bool | list[str]

SYSTEM = "system"  # the role of what the program does by itself
OPERATOR = "operator"
VISITOR = "visitor"


class Target(NamedTuple):
    """What was done something to. The name of an account is looked up when it is not given."""

    kind: TargetKind
    id: int
    name: str | None = None


class Actor(NamedTuple):
    """Who did it: somebody who has signed in, somebody who has not, the operator at a terminal, or the program."""

    role: str
    id: int | None = None
    name: str | None = None
    session_id: int | None = None


class Origin(NamedTuple):
    """Where it came from."""

    address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `reason` is the code of the error that refused it; `times` counts what was merged."""

    action: str
    actor: Actor
    origin: Origin
    outcome: Outcome = "done"
    reason: str | None = None
    times: int = 1
    target: Target | None = None
    details: dict[str, Detail] = field(default_factory=dict)


class Memo:
    """What is known of an action while it runs: its name, whom or what it is about, and what was noted of it."""

    __slots__ = ("about", "action", "noted")

    def __init__(self, action: str) -> None:
        self.action = action
        self.about: Target | None = None
        self.noted: list[Entry] = []
