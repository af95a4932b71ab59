"""PostgreSQL: where it is, and how much of it one server takes."""

from urllib.parse import quote

from pydantic import BaseModel, Field, SecretStr, field_validator

from folkmoot.settings.kinds import of_scheme


class Database(BaseModel):
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="address of PostgreSQL, as postgresql://user:password@host/name; instead of POSTGRES_*",
    )
    postgres_host: str = Field(default="", description="host of PostgreSQL")
    postgres_port: int = Field(default=5432, description="port of PostgreSQL")
    postgres_db: str = Field(default="folkmoot", description="name of the database")
    postgres_user: str = Field(default="folkmoot", description="who we are to PostgreSQL")
    postgres_password: SecretStr = Field(default=SecretStr(""), description="password of that user")
    database_pool: int = Field(
        default=10,
        ge=3,
        validation_alias="FOLKMOOT_DATABASE_POOL",
        description="connections to PostgreSQL that one server keeps at most, two of them for writing messages: with "
        "several workers or servers their sum must fit its `max_connections`",
    )
    database_wait_s: float = Field(
        default=2.0,
        gt=0,
        validation_alias="FOLKMOOT_DATABASE_WAIT_S",
        description="seconds that a request waits for a connection, or for an answer, before it is answered 503",
    )
    database_start_s: float = Field(
        default=30.0,
        ge=0,
        validation_alias="FOLKMOOT_DATABASE_START_S",
        description="how long a start waits for a PostgreSQL that is not there yet",
    )

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr) -> SecretStr:
        return of_scheme(value, "postgresql", "postgres")

    @property
    def dsn(self) -> str:
        """The PostgreSQL address: DATABASE_URL, or made of POSTGRES_*; empty when none is set."""
        if url := self.database_url.get_secret_value():
            return url
        if not self.postgres_host:
            return ""
        user, password = quote(self.postgres_user), quote(self.postgres_password.get_secret_value(), safe="")
        return f"postgresql://{user}:{password}@{self.postgres_host}:{self.postgres_port}/{self.postgres_db}"
