"""Letters for those who forgot their passwords."""

from pydantic import BaseModel, Field


class Resets(BaseModel):
    reset_s: int = Field(
        default=1800,
        ge=60,
        validation_alias="FOLKMOOT_RESET_S",
        description="seconds for which the link of a letter about a forgotten password works, once",
    )
    reset_window_s: int = Field(
        default=900,
        ge=1,
        validation_alias="FOLKMOOT_RESET_WINDOW_S",
        description="seconds of the window that the next two count in. It should be shorter than the link works: then "
        "whoever is not sent a further letter has one that works",
    )
    resets_per_account: int = Field(
        default=3,
        ge=1,
        validation_alias="FOLKMOOT_RESETS_PER_ACCOUNT",
        description="letters about a forgotten password for one account, whoever asks",
    )
    resets_per_address: int = Field(
        default=10,
        ge=1,
        validation_alias="FOLKMOOT_RESETS_PER_ADDRESS",
        description="times that one address may ask for them, for whatever accounts",
    )
