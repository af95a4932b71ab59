"""Every setting: name, type, default. Read once from the environment (and `.env`), checked at start.

Each part of the product has its settings in a file of its own; `Settings` is all of them. A name is the environment
variable in capitals; a secret may also come from a file named by `NAME_FILE`.
"""

from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from folkmoot.settings.admin import FirstAdmin
from folkmoot.settings.audit import Audit
from folkmoot.settings.budgets import Budgets
from folkmoot.settings.commands import Commands
from folkmoot.settings.database import Database
from folkmoot.settings.environment import BadSettings, secrets_from_files, variable
from folkmoot.settings.grpc import Grpc
from folkmoot.settings.hooks import Hooks
from folkmoot.settings.http import Http
from folkmoot.settings.installation import Installation
from folkmoot.settings.jobs import Jobs
from folkmoot.settings.mail import Mail
from folkmoot.settings.modules import Modules
from folkmoot.settings.redis import Redis
from folkmoot.settings.resets import Resets
from folkmoot.settings.rooms import Rooms
from folkmoot.settings.server import Server
from folkmoot.settings.services import Services
from folkmoot.settings.sign_in import SignIn
from folkmoot.settings.socket import Socket
from folkmoot.settings.telemetry import Telemetry
from folkmoot.settings.webhooks import Webhooks

__all__ = ["DEFAULT_SECRETS", "BadSettings", "Settings", "load_settings"]

DEFAULT_SECRETS = frozenset({"", "changeme", "change-me", "password", "postgres", "secret", "admin"})


class Settings(
    Webhooks,
    Audit,
    Jobs,
    Commands,
    Hooks,
    Services,
    Rooms,
    Grpc,
    Socket,
    Budgets,
    Resets,
    Mail,
    SignIn,
    Http,
    FirstAdmin,
    Modules,
    Redis,
    Database,
    Server,
    Telemetry,
    Installation,
    BaseSettings,
):
    """All settings as one object, which nobody changes.

    pydantic reads from the last part to the first; so what is wrong is named in the order of the documentation.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # compose files pass on variables that nobody has set
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    @model_validator(mode="after")
    def _workers_share_the_port(self) -> Self:
        if self.grpc_port == 0 and self.workers > 1:
            raise ValueError("FOLKMOOT_GRPC_PORT must be a port that several workers can share, and not 0")
        return self

    @model_validator(mode="after")
    def _no_default_secrets(self) -> Self:
        if self.api_mode == "dev":
            return self
        guessable = [
            name
            for name, secret in (
                ("POSTGRES_PASSWORD", self.postgres_password.get_secret_value() if self.postgres_host else None),
                ("API_ADMIN_PASSWORD", self.api_admin_password.get_secret_value() or None),
                ("the password in DATABASE_URL", _password_in(self.database_url)),
                ("POSTGRES_OWNER_PASSWORD", self.postgres_owner_password.get_secret_value() or None),
                ("the password in DATABASE_OWNER_URL", _password_in(self.database_owner_url)),
            )
            if secret in DEFAULT_SECRETS
        ]
        if guessable:
            raise ValueError(f"{', '.join(guessable)} must be set to a secret of your own (or use API_MODE=dev)")
        return self

    @property
    def named_dsns(self) -> dict[str, str]:
        """The PostgreSQL addresses that modules may name; `main` is ours."""
        named = (part.partition("=") for part in self.databases.get_secret_value().split())
        return {"main": self.dsn, **{name: address for name, _, address in named}}

    @property
    def echo_takes_access_tokens(self) -> bool:
        return self.api_mode == "dev" if self.socket_echo_token is None else self.socket_echo_token


def _password_in(address: SecretStr) -> str | None:
    return urlsplit(address.get_secret_value()).password


def load_settings(**overrides: object) -> Settings:
    """Reads the settings. Raises BadSettings with one line for each variable that is wrong."""
    try:
        from_files = secrets_from_files(Settings.model_fields)
        return Settings(**from_files, **overrides)  # type: ignore[arg-type]  # names are checked by pydantic
    except ValidationError as error:
        lines = [
            f"{_variable(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}" for problem in error.errors()
        ]
        raise BadSettings("\n".join(lines)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable that a problem is about; `settings`, when it is about several."""
    if not location:
        return "settings"
    name = str(location[0])
    field = Settings.model_fields.get(name)
    return variable(name, field) if field else name.upper()
