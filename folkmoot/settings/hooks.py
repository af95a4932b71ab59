"""Incoming hooks."""

from pydantic import BaseModel, Field


class Hooks(BaseModel):
    hooks_per_room: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_HOOKS_PER_ROOM",
        description="incoming hooks that one room can have",
    )
    hook_per_minute: int = Field(
        default=120,
        ge=1,
        validation_alias="FOLKMOOT_HOOK_PER_MINUTE",
        description="messages that one incoming hook may post in a minute",
    )
    hook_bytes: int = Field(
        default=262_144,
        ge=1024,
        validation_alias="FOLKMOOT_HOOK_BYTES",
        description="the largest body that an incoming hook takes; FOLKMOOT_BODY_LIMIT_BYTES holds for it too",
    )
