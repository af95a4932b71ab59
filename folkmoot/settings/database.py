"""PostgreSQL: where it is, and how much of it one server takes."""

from typing import Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

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
    database_owner_url: SecretStr = Field(
        default=SecretStr(""),
        description="the same database, as the role that owns it and may change its schema: for `folkmoot migrate` and "
        "`folkmoot restore`, which then let the role of DATABASE_URL read and write, and no more",
    )
    postgres_owner: str = Field(default="", description="the same beside POSTGRES_*: the name of that role")
    postgres_owner_password: SecretStr = Field(default=SecretStr(""), description="password of that role")
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

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _postgres(cls, value: SecretStr) -> SecretStr:
        return of_scheme(value, "postgresql", "postgres")

    @model_validator(mode="after")
    def _owner_is_somebody_else(self) -> Self:
        owner, server = urlsplit(self.owner_dsn), urlsplit(self.dsn)
        if self.owner_dsn and owner.username == server.username:
            raise ValueError(
                "DATABASE_OWNER_URL (or POSTGRES_OWNER) must name another role than DATABASE_URL (or POSTGRES_USER)"
            )
        if self.owner_dsn and owner.path != server.path:
            raise ValueError("DATABASE_OWNER_URL must name the same database as DATABASE_URL")
        return self

    @property
    def dsn(self) -> str:
        """The PostgreSQL address: DATABASE_URL, or made of POSTGRES_*; empty when none is set."""
        return self.database_url.get_secret_value() or self._postgres_as(self.postgres_user, self.postgres_password)

    @property
    def owner_dsn(self) -> str:
        """The same as the owner of the schema; empty when the one role does everything."""
        if self.database_owner_url.get_secret_value() or self.database_url.get_secret_value():
            return self.database_owner_url.get_secret_value()
        return self._postgres_as(self.postgres_owner, self.postgres_owner_password) if self.postgres_owner else ""

    @property
    def migrating_dsn(self) -> str:
        """The address of whoever may change the schema, as far as we know."""
        return self.owner_dsn or self.dsn

    def _postgres_as(self, user: str, password: SecretStr) -> str:
        if not self.postgres_host:
            return ""
        account = f"{quote(user)}:{quote(password.get_secret_value(), safe='')}"
        return f"postgresql://{account}@{self.postgres_host}:{self.postgres_port}/{self.postgres_db}"
