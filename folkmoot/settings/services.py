"""Services that actions and slash commands call."""

from pathlib import Path

from pydantic import BaseModel, Field


class Services(BaseModel):
    services: Path | None = Field(
        default=None,
        validation_alias="FOLKMOOT_SERVICES",
        description="the YAML file that names them; see how-to/services.md",
    )
