"""Background jobs."""

from pydantic import BaseModel, Field


class Jobs(BaseModel):
    jobs_concurrency: int = Field(
        default=4,
        ge=0,
        validation_alias="FOLKMOOT_JOBS_CONCURRENCY",
        description="background jobs that one server runs at the same time, over two connections to PostgreSQL of "
        "their own; 0 runs none, and then `folkmoot work` must run somewhere",
    )
    jobs_keep_failed_s: int = Field(
        default=30 * 86_400,
        ge=3600,
        validation_alias="FOLKMOOT_JOBS_KEEP_FAILED_S",
        description="seconds after which a failed job is removed",
    )
