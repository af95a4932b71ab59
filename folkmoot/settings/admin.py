"""The first admin, who lets everybody else in."""

from pydantic import BaseModel, Field, SecretStr


class FirstAdmin(BaseModel):
    api_admin_email: str = Field(default="", description="who is made the first admin when there is none yet")
    api_admin_password: SecretStr = Field(
        default=SecretStr(""), description="the first admin's password; empty: `up` makes one and shows it once"
    )
