"""The gRPC port: what it answers, and the limits of one caller."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, field_validator, model_validator

from folkmoot.settings.kinds import Listed


class Grpc(BaseModel):
    grpc_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        validation_alias="FOLKMOOT_GRPC_PORT",
        description="the port of gRPC, usually 50051; unset: there is none; 0 takes a free one",
    )
    grpc_open: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_GRPC_OPEN",
        description="what gRPC answers without a token: `api` (the articles' service), `reflection`, or both with a "
        "comma between. Health is always answered",
    )
    grpc_certificate: Path | None = Field(
        default=None,
        validation_alias="FOLKMOOT_GRPC_CERTIFICATE",
        description="file with the certificate chain of the gRPC port (PEM); unset: no TLS. Read anew when it changes",
    )
    grpc_key: Path | None = Field(
        default=None, validation_alias="FOLKMOOT_GRPC_KEY", description="file with the private key of that certificate"
    )
    grpc_message_bytes: int = Field(
        default=65_536,
        ge=1024,
        validation_alias="FOLKMOOT_GRPC_MESSAGE_BYTES",
        description="the largest message of a caller",
    )
    grpc_call_s: float = Field(
        default=30.0,
        gt=0,
        validation_alias="FOLKMOOT_GRPC_CALL_S",
        description="seconds after which a call ends that has no sooner deadline of its own; streams have no end",
    )
    grpc_calls_per_s: int = Field(
        default=200,
        ge=1,
        validation_alias="FOLKMOOT_GRPC_CALLS_PER_S",
        description="calls of one user in a second on one server; here and below, an address without a token has half",
    )
    grpc_calls_in_flight: int = Field(
        default=64,
        ge=1,
        validation_alias="FOLKMOOT_GRPC_CALLS_IN_FLIGHT",
        description="calls of one user that may wait for their answers",
    )
    grpc_streams_per_user: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_GRPC_STREAMS_PER_USER",
        description="open streams of one user on one server",
    )
    grpc_queue_bytes: int = Field(
        default=131_072,
        ge=4096,
        validation_alias="FOLKMOOT_GRPC_QUEUE_BYTES",
        description="bytes that may wait for a slow reader of a stream; past it they are dropped, and the reader gets "
        "them out of the log at its own pace",
    )
    grpc_items: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        validation_alias="FOLKMOOT_GRPC_ITEMS",
        description="items that `getAll` of the articles' service gives at most",
    )

    @field_validator("grpc_open")
    @classmethod
    def _grpc_services(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if name not in ("api", "reflection")]:
            raise ValueError(f"takes api and reflection, and not {', '.join(wrong)}")
        return value

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.grpc_certificate is None) != (self.grpc_key is None):
            raise ValueError("FOLKMOOT_GRPC_CERTIFICATE and FOLKMOOT_GRPC_KEY go together")
        return self
