"""What tokens take and give."""

from typing import Annotated

from pydantic import Field, StringConstraints

from folkmoot.actions import DIGITS, ONE_LINE, Id, Input, Output
from folkmoot.modules.sessions.schemas import Token

MOST_SCOPES = 50

TokenName = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), ONE_LINE]
Scope = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.]*$")]


class NewToken(Input):
    """A token for a program. Its scopes are `all`, names of modules (`messages`) and of actions (`messages.send`)."""

    name: TokenName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=MOST_SCOPES)]
    days: Annotated[int, Field(strict=True, ge=1), DIGITS] = 90


class TokenId(Input):
    token_id: Id


class IssuedToken(Output, frozen=True):
    """A fresh token. It is shown here and nowhere else; only its hash is kept."""

    token: str
    about: Token


class Tokens(Output, frozen=True):
    tokens: list[Token]
