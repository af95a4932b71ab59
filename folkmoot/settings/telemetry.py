"""What a server tells about itself: its log, and its traces."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator


class Telemetry(BaseModel):
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged; `up` logs from `warning` on unless this is set"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="lines for people, or JSON lines for machines"
    )
    log_addresses: Literal["full", "network", "none"] = Field(
        default="full",
        description="what logs say of where clients are: their addresses, which tell who attacks; only their networks "
        "(/24, or /48 of IPv6), which is no household; or nothing",
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        description="address of an OpenTelemetry collector (OTLP/HTTP), as http://collector:4318; empty: no traces",
    )
    otel_exporter_otlp_headers: SecretStr = Field(
        default=SecretStr(""), description="headers for the collector, as name=value with commas between"
    )
    otel_traces_sampler_arg: float = Field(
        default=1.0, ge=0, le=1, description="which part of all traces is kept: 0.01 is one in a hundred"
    )
    log_queue: int = Field(
        default=10_000,
        ge=10,
        description="lines that may wait for a log that is slow to take them; beyond it they are dropped and counted",
    )
    log_file: Path | None = Field(
        default=None,
        description="a file to log to instead of standard error; worker n of several has a file NAME-n of its own",
    )
    log_file_bytes: int = Field(
        default=50 << 20, ge=1024, description="the size at which a file becomes NAME.1, and a new one is begun"
    )
    log_files: int = Field(default=5, ge=1, le=1000, description="how many such earlier files are kept")

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must be an address such as http://collector:4318")
        return value
