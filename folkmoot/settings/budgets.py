"""What one person may ask of the API."""

from pydantic import BaseModel, Field


class Budgets(BaseModel):
    actions_per_s: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_ACTIONS_PER_S",
        description="requests of one user over HTTP in a second, on all servers together; sockets and gRPC have "
        "budgets of their own, but for [what costs more](permissions.md), which is counted here by whichever door",
    )
    actions_burst: int = Field(
        default=60,
        ge=1,
        validation_alias="FOLKMOOT_ACTIONS_BURST",
        description="requests that somebody may make at once who made none for a while",
    )
