"""What the operator may say of a service: the shape of one entry of the file."""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from folkmoot.services.paths import UnsafePath, fill, safe_path

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # what the name of a header consists of
COMMAND = re.compile(r"[a-z][a-z0-9_-]{0,31}")
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"})
OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade"})


def _base_uri(given: str) -> str:
    """The address without a slash at its end. What it holds before an @ is a secret, so it is never repeated."""
    try:
        parts = urlsplit(given)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fits = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_fits or not given.isprintable():
        raise ValueError("must be an address that starts with http:// or https://, as http://localhost:5001")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password: they go into `credentials`")
    if "?" in given or "#" in given or " " in given:
        raise ValueError("must not hold ?, # or a space")
    _path(parts.path or "/")
    return given.rstrip("/")


def _path(given: str) -> str:
    try:
        return safe_path(given)
    except UnsafePath as error:
        raise ValueError(error.says) from None


def _template(given: str) -> str:
    try:
        fill(given, text="x", user="x")
    except UnsafePath as error:
        raise ValueError(error.says) from None
    except (KeyError, IndexError, ValueError):
        raise ValueError("must hold no other braces than {text} and {user}") from None
    return given


def _command_name(given: str) -> str:
    if not COMMAND.fullmatch(given):
        raise ValueError("must be a small letter, and then at most 31 of a-z, 0-9, - and _")
    return given


def _header_name(given: str) -> str:
    if not TOKEN.fullmatch(given):
        raise ValueError("is not the name of a header")
    if given.lower() in OWN_HEADERS:
        raise ValueError("is set by the server itself")
    return given


def _open_header(given: str) -> str:
    if given.lower() in SECRET_HEADERS:
        raise ValueError("holds a secret: it goes into `credentials`")
    return _header_name(given)


def _header_value(given: str) -> str:
    if not given.isascii() or not given.isprintable():
        raise ValueError("must be plain ASCII in one line")
    return given


def _user_name(given: str) -> str:
    if ":" in given or not given:
        raise ValueError("must not hold a colon, nor be empty")
    return _header_value(given)


BaseUri = Annotated[str, AfterValidator(_base_uri)]
Template = Annotated[str, AfterValidator(_template)]
CommandName = Annotated[str, AfterValidator(_command_name)]
Path = Annotated[str, AfterValidator(_path)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
OpenHeaderName = Annotated[str, AfterValidator(_open_header)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
UserName = Annotated[str, AfterValidator(_user_name)]
Seconds = Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)]


class Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SecretPlace(Entry):
    """Where a secret is: an environment variable, or a file whose text it is."""

    env: str | None = Field(default=None, min_length=1)
    file: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("must be either {env: NAME} or {file: PATH}")
        return self


class Basic(Entry):
    user: UserName
    password: SecretPlace


class SecretHeader(Entry):
    name: HeaderName
    value: SecretPlace


class Credentials(Entry):
    """How the service knows us: one of the three."""

    bearer: SecretPlace | None = None
    basic: Basic | None = None
    header: SecretHeader | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.bearer, self.basic, self.header)) != 1:
            raise ValueError("must be one of `bearer`, `basic` and `header`")
        return self


class CommandEntry(Entry):
    """A slash command that asks the service: `{text}` in the path is what was typed, `{user}` who typed it."""

    path: Template
    about: str = Field(default="", max_length=200)


class ServiceEntry(Entry):
    """One service. Its limits are those of each worker of the server."""

    base_uri: BaseUri
    health: Path | None = None
    connect_s: Seconds = 1.0
    read_s: Seconds = 2.0
    total_s: Seconds = 3.0
    retries: int = Field(default=2, ge=0, le=10)
    answer_bytes: int = Field(default=1 << 20, ge=1, le=1 << 30)
    concurrency: int = Field(default=20, ge=1, le=1000)
    queue: int = Field(default=100, ge=0, le=10_000)
    breaker_failures: int = Field(default=5, ge=1, le=1000)
    breaker_open_s: Seconds = 10.0
    headers: dict[OpenHeaderName, HeaderValue] = Field(default_factory=dict)
    credentials: Credentials | None = None
    commands: dict[CommandName, CommandEntry] = Field(default_factory=dict)
