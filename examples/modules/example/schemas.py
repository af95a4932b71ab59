"""What the example takes and gives."""

from datetime import datetime
from typing import Annotated

from pydantic import EmailStr, StringConstraints

from folkmoot.actions import ONE_LINE, Input, Output

Name = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), ONE_LINE]


class Visitor(Input):
    name: Name
    email: EmailStr | None = None


class Greeted(Output, frozen=True):
    name: str
    email: str | None
    time: datetime


class User(Output, frozen=True):
    name: str
    email: str | None
    seen_at: datetime
