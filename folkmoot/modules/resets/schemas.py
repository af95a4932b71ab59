"""What choosing a new password takes and gives."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from folkmoot.actions import PRINTABLE, Input, Output
from folkmoot.modules.accounts.schemas import Email, NewPassword


class Offer(Output, frozen=True):
    """`offered`: this server can send letters, and so lets people choose a new password."""

    offered: bool


class Wanted(Input):
    """Whose password is forgotten."""

    email: Email


class Sent(Output, frozen=True):
    """The same for everybody. If there is such an account, its letter is on the way, with a link for so long."""

    lifetime_s: int


LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=128), PRINTABLE]


class Link(Input):
    """What stands behind the `#` of the link."""

    token: LinkToken = Field(repr=False)


State = Literal["good", "used", "expired", "over"]


class LinkState(Output, frozen=True):
    """`over`: it was none of ours, or a newer one or another password took its place."""

    state: State


class Changed(Output, frozen=True):
    """The password is another one. `device`: by which the browser is known from now on."""

    device: str | None


class Chosen(Input):
    token: LinkToken = Field(repr=False)
    password: NewPassword = Field(repr=False)
