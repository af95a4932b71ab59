"""Slash commands."""

from pydantic import BaseModel, Field


class Commands(BaseModel):
    command_wait_s: float = Field(
        default=10.0,
        gt=0,
        validation_alias="FOLKMOOT_COMMAND_WAIT_S",
        description="seconds that a slash command may take before it is ended",
    )
    command_answer_chars: int = Field(
        default=4_000,
        ge=1,
        validation_alias="FOLKMOOT_COMMAND_ANSWER_CHARS",
        description="characters of a command's answer that are kept; the rest is cut",
    )
    commands_per_minute: int = Field(
        default=60,
        ge=1,
        validation_alias="FOLKMOOT_COMMANDS_PER_MINUTE",
        description="slash commands that one person may run in a minute",
    )
    commands_at_once: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_COMMANDS_AT_ONCE",
        description="slash commands that run at the same time on one server; past it people are told to try again",
    )
