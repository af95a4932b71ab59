"""What an action takes, and what it gives."""

import msgspec
from pydantic import BaseModel, ConfigDict


class Input(BaseModel):
    """What an action takes. Fields it does not know are refused, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, allow_inf_nan=False)


class Nothing(Input):
    """An action without parameters."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What an action gives."""


class Done(Output, frozen=True):
    """It is done and there is nothing to say; routes answer it as 204."""
