"""What sessions take and give."""

from datetime import datetime
from typing import Literal

from folkmoot.actions import Id, Input, Output, Role

Kind = Literal["browser", "program", "token"]


class User(Output, frozen=True):
    """An account, as its owner sees it."""

    id: int
    email: str
    name: str
    role: Role


class Session(Output, frozen=True):
    """One sign-in."""

    id: int
    kind: Kind
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    address: str
    user_agent: str
    current: bool


class Token(Output, frozen=True):
    """What is known of a token; the token itself is not."""

    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime


class CurrentSession(Output, frozen=True):
    user: User
    session: Session


class Sessions(Output, frozen=True):
    sessions: list[Session]


class SessionId(Input):
    session_id: Id


class Ticket(Output, frozen=True):
    """Opens one socket, once, soon."""

    ticket: str
    expires_in_s: int


class Grant(Output, frozen=True):
    """A fresh sign-in. The token is shown here and nowhere else; only its hash is kept."""

    token: str
    user: User
    session: Session
