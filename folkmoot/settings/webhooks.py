"""Outgoing webhooks."""

from pydantic import BaseModel, Field, field_validator

from folkmoot.settings.kinds import Listed, of_networks


class Webhooks(BaseModel):
    webhook_networks: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_WEBHOOK_NETWORKS",
        description="networks of your own that webhooks may reach, also without https, with commas between; without it "
        "only public addresses",
    )
    webhook_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=60,
        validation_alias="FOLKMOOT_WEBHOOK_TIMEOUT_S",
        description="seconds in which a receiver must answer",
    )
    webhook_give_up_s: int = Field(
        default=86_400,
        ge=0,
        validation_alias="FOLKMOOT_WEBHOOK_GIVE_UP_S",
        description="seconds without a delivery after which a webhook is failing and is tried again only when an admin "
        "says so",
    )
    webhooks_per_room: int = Field(
        default=10, ge=0, validation_alias="FOLKMOOT_WEBHOOKS_PER_ROOM", description="webhooks that one room can have"
    )

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return of_networks(value)
