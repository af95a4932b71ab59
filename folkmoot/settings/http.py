"""How large a request may be, and how long the last ones have."""

from pydantic import BaseModel, Field


class Http(BaseModel):
    body_limit_bytes: int = Field(
        default=1 << 20,
        ge=1024,
        validation_alias="FOLKMOOT_BODY_LIMIT_BYTES",
        description="the largest body of a request",
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        validation_alias="FOLKMOOT_DRAIN_S",
        description="seconds over which sockets are sent away and requests may end when the server stops. It exits at "
        "most 13 seconds later, whatever hangs",
    )
