"""What the second factor takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from folkmoot.actions import Input, Output
from folkmoot.modules.sessions.schemas import Code, Renewal, Session

Password = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class State(Output, frozen=True):
    """Of the caller's own account."""

    on: bool
    since: datetime | None
    recovery_codes_left: int
    required: bool  # by the operator, of accounts like this one
    possible: bool  # the operator has given a key for secrets


class Enrolment(Output, frozen=True):
    """A secret that is not in force yet. It is shown here and nowhere else."""

    secret: str  # base32, to be typed
    address: str  # otpauth://
    picture: str  # the address as a QR code: an SVG in a data: address


class GivenCode(Input):
    code: Code = Field(repr=False)


class TurnedOn(Output, frozen=True):
    """The recovery codes are shown here and nowhere else; only their hashes are kept."""

    recovery_codes: list[str]
    renewal: Renewal


class TurnedOnAnswer(Output, frozen=True):
    """A browser's new token is in its cookie, and here only a program's."""

    recovery_codes: list[str]
    session: Session
    access_token: str | None


class RecoveryCodes(Output, frozen=True):
    recovery_codes: list[str]


class TurningOff(Input):
    password: Password = Field(repr=False)
    code: Code = Field(repr=False)


class SecondStep(Input):
    """What answers a challenge: a code of the app, or a recovery code."""

    challenge: Annotated[str, StringConstraints(min_length=1, max_length=256)] = Field(repr=False)
    code: Code = Field(repr=False)


class Checked(Output, frozen=True):
    status: bool
