"""What accounts take and give."""

from datetime import datetime
from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from folkmoot.actions import Id, Input, Output, Role, Text
from folkmoot.events.event import Person

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256
LONGEST_EMAIL = 64


def _email(given: str) -> str:
    """An address in small letters. `admin@localhost` and intranet names are addresses too: nobody is written to."""
    try:
        validate_email(given, check_deliverability=False, globally_deliverable=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("Not a valid email address.") from None
    return given.lower()


Email = Annotated[Text, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(_email)]
NewPassword = Annotated[Text, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]


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


class NewAccount(Input):
    email: Email
    name: Annotated[Text, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
    password: NewPassword = Field(repr=False)
    role: Role = "member"


class AccountId(Input):
    user_id: Id


class NewPasswordOf(Input):
    user_id: Id
    password: NewPassword = Field(repr=False)


class Greeting(Output):
    hello: str


class People(Output):
    people: list[Person]


class Account(Output):
    """An account, as an admin sees it."""

    id: int
    email: str
    name: str
    role: Role
    created_at: datetime
    disabled: bool


class Accounts(Output):
    accounts: list[Account]
