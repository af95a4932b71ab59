"""What this installation is, and which of its servers this one is."""

from typing import Literal

from pydantic import BaseModel, Field


class Installation(BaseModel):
    api_mode: Literal["dev", "production"] = Field(
        default="production", description="`dev` allows default secrets and access tokens at `/ws?token=`"
    )
    environment: str = Field(default="production", description="names this installation in logs")
    process_id: str = Field(
        default="1",
        description="names this server in logs when several run; workers of one server have a number besides",
    )
