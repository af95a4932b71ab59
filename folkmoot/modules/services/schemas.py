"""What is told of services."""

from typing import Literal

from folkmoot.actions import Output


class SeenService(Output, frozen=True):
    """A service as it was just now. `breaker` is that of the server that answers: each has its own."""

    name: str
    address: str
    is_well: bool
    says: str
    seconds: float
    breaker: Literal["closed", "open", "half-open"]


class SeenServices(Output, frozen=True):
    services: list[SeenService]
