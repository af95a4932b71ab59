"""The audit log."""

from pydantic import BaseModel, Field


class Audit(BaseModel):
    audit_days: int = Field(
        default=365,
        ge=7,
        validation_alias="FOLKMOOT_AUDIT_DAYS",
        description="days after which an entry is removed",
    )
    audit_refusals: int = Field(
        default=200,
        ge=1,
        validation_alias="FOLKMOOT_AUDIT_REFUSALS",
        description="how many kinds of refusals of visitors a server tells apart in ten minutes, and as many of those "
        "who have signed in; beyond that they are counted without who and where",
    )
