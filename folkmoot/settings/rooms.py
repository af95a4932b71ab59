"""Rooms and their logs."""

from pydantic import BaseModel, Field


class Rooms(BaseModel):
    rooms_per_user: int = Field(
        default=500,
        ge=1,
        validation_alias="FOLKMOOT_ROOMS_PER_USER",
        description="rooms that one person can be in",
    )
    message_chars: int = Field(
        default=10_000,
        ge=1,
        validation_alias="FOLKMOOT_MESSAGE_CHARS",
        description="the longest message, in characters",
    )
    page_events: int = Field(
        default=200, ge=1, validation_alias="FOLKMOOT_PAGE_EVENTS", description="events in a page of history at most"
    )
    recover_events: int = Field(
        default=1_000,
        ge=1,
        validation_alias="FOLKMOOT_RECOVER_EVENTS",
        description="events that a client which was away gets at most before it must load a fresh page",
    )
    writer_queue: int = Field(
        default=10_000,
        ge=1,
        validation_alias="FOLKMOOT_WRITER_QUEUE",
        description="messages that may wait to be written on one server; past it senders are told to try again",
    )
    writer_batch: int = Field(
        default=256,
        ge=1,
        validation_alias="FOLKMOOT_WRITER_BATCH",
        description="messages that are written in one transaction at most",
    )
