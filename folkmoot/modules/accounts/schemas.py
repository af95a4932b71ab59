"""What accounts take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from folkmoot.actions import ONE_LINE, PRINTABLE, Id, Input, Output, Role
from folkmoot.events.event import Person

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
LONGEST_EMAIL = 64

# A self-hosted server is often at home in an intranet: the library's own way to allow its names.
for _name in ("local", "localhost", "test"):
    SPECIAL_USE_DOMAIN_NAMES.remove(_name)


def _email(given: str) -> str:
    """An address in small letters. The names of an intranet will do."""
    try:
        validate_email(given, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise ValueError("Not a valid email address.") from None
    small = given.lower()
    if len(small) > LONGEST_EMAIL:  # a few letters are longer when they are small
        raise ValueError(f"Longer than maximum length {LONGEST_EMAIL}.")
    return small


Email = Annotated[
    str,
    StringConstraints(max_length=LONGEST_EMAIL),
    Field(json_schema_extra={"format": "email"}),
    PRINTABLE,
    AfterValidator(_email),
]
NewPassword = Annotated[str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD), PRINTABLE]


class Credentials(Input):
    """A sign-in. `username` is accepted for `email`; what else a client sends along is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    email: Email
    # Short passwords are refused when they are set; here only what cannot be one.
    password: Annotated[str, StringConstraints(min_length=4, max_length=LONGEST_PASSWORD)] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _username_is_email(cls, given: Any) -> Any:
        if isinstance(given, dict) and "email" not in given and "username" in given:
            return {**given, "email": given["username"]}
        return given


Name = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), ONE_LINE]


class NewAccount(Input):
    email: Email
    name: Name
    password: NewPassword = Field(repr=False)
    role: Literal["member", "admin"] = "member"


class AccountId(Input):
    user_id: Id


class NewPasswordOf(Input):
    user_id: Id
    password: NewPassword = Field(repr=False)


class OwnPassword(Input):
    """The password somebody has, and the one they want instead."""

    password: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD)] = Field(repr=False)
    new_password: NewPassword = Field(repr=False)


class Greeting(Output, frozen=True):
    hello: str


class People(Output, frozen=True):
    people: list[Person]


class Account(Output, frozen=True):
    """An account, as an admin sees it."""

    id: int
    email: str
    name: str
    role: Role
    created_at: datetime
    disabled: bool


class Accounts(Output, frozen=True):
    accounts: list[Account]
