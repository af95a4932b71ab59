"""Redis or Valkey: where it is."""

from pydantic import BaseModel, Field, SecretStr, field_validator

from folkmoot.settings.kinds import of_scheme


class Redis(BaseModel):
    redis_url: SecretStr = Field(
        default=SecretStr(""),
        description="address of Redis or Valkey, as redis://user:password@host:6379/0; instead of REDIS_*",
    )
    redis_host: str = Field(default="", description="host of Redis")
    redis_port: int = Field(default=6379, description="port of Redis")

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        return of_scheme(value, "redis", "rediss", "unix")

    @property
    def redis_dsn(self) -> str:
        """The Redis address: REDIS_URL, or made of REDIS_HOST and REDIS_PORT; empty when none is set."""
        if url := self.redis_url.get_secret_value():
            return url
        return f"redis://{self.redis_host}:{self.redis_port}/0" if self.redis_host else ""
