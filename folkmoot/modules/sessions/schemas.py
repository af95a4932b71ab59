"""What sessions take and give."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from folkmoot.actions import PRINTABLE, Id, Input, Output, Role

Kind = Literal["browser", "program", "token"]
SignIn = Literal["browser", "program"]  # somebody signs in themselves
Proof = Literal[
    "password", "totp", "recovery", "token"
]  # what somebody gave to be let in; `token`: it was made for them

Code = Annotated[str, StringConstraints(min_length=1, max_length=64), PRINTABLE]  # of an app, or a recovery code


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
    made_with: list[Proof]
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
    """`must_enrol`: nothing else is to be done until a second factor is turned on."""

    user: User
    session: Session
    must_enrol: bool = False


class Sessions(Output, frozen=True):
    sessions: list[Session]


class SessionId(Input):
    session_id: Id


class Confirmation(Input):
    """That it is still the same person: their password, or a code of their second factor."""

    password: Annotated[str, StringConstraints(min_length=1, max_length=256)] | None = Field(default=None, repr=False)
    code: Code | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.password is None) == (self.code is None):
            raise ValueError("Give either a password or a code.")
        return self


class Renewed(Output, frozen=True):
    """The same sign-in with another token: a browser's is in its cookie, and here only a program's."""

    session: Session
    access_token: str | None


class Ticket(Output, frozen=True):
    """Opens one socket, once, soon."""

    ticket: str
    expires_in_s: int


class Renewal(Output, frozen=True):
    """The same sign-in with another token, which is shown here and nowhere else."""

    token: str
    session: Session


class Grant(Output, frozen=True):
    """A fresh sign-in. The token is shown here and nowhere else; only its hash is kept."""

    token: str
    user: User
    session: Session
    must_enrol: bool = False
    device: str | None = None  # by which the browser is known from now on, unless it was known before
