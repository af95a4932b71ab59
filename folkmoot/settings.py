"""Every setting: name, type, default. Read once from the environment (and `.env`), checked at start.

A name is the environment variable in capitals; a secret may also come from a file named by `NAME_FILE`.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEFAULT_SECRETS = frozenset({"", "changeme", "change-me", "password", "postgres", "secret", "admin"})


def _listed(value: object) -> object:
    """What a variable lists, with commas between."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class BadSettings(Exception):
    """The settings cannot be used; the message names each variable and what it takes."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # compose files pass on variables that nobody has set
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    # Where it runs
    api_mode: Literal["dev", "production"] = Field(
        default="production", description="`dev` allows default secrets and access tokens at `/ws?token=`"
    )
    environment: str = Field(default="production", description="names this installation in logs")
    process_id: str = Field(
        default="1",
        description="names this server in logs when several run; workers of one server have a number besides",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least that is logged; `up` logs from `warning` on unless this is set"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="lines for people, or JSON lines for machines"
    )
    log_addresses: Literal["full", "network", "none"] = Field(
        default="full",
        description="what logs say of where clients are: their addresses, which tell who attacks; only their networks "
        "(/24, or /48 of IPv6), which is no household; or nothing",
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        description="address of an OpenTelemetry collector (OTLP/HTTP), as http://collector:4318; empty: no traces",
    )
    otel_exporter_otlp_headers: SecretStr = Field(
        default=SecretStr(""), description="headers for the collector, as name=value with commas between"
    )
    otel_traces_sampler_arg: float = Field(
        default=1.0, ge=0, le=1, description="which part of all traces is kept: 0.01 is one in a hundred"
    )
    log_queue: int = Field(
        default=10_000,
        ge=10,
        description="lines that may wait for a log that is slow to take them; beyond it they are dropped and counted",
    )
    log_file: Path | None = Field(
        default=None,
        description="a file to log to instead of standard error; worker n of several has a file NAME-n of its own",
    )
    log_file_bytes: int = Field(
        default=50 << 20, ge=1024, description="the size at which a file becomes NAME.1, and a new one is begun"
    )
    log_files: int = Field(default=5, ge=1, le=1000, description="how many such earlier files are kept")
    host: str = Field(
        default="127.0.0.1",
        validation_alias="FOLKMOOT_HOST",
        description="the address to listen on; `0.0.0.0` for all, behind a proxy with TLS",
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias="FOLKMOOT_PORT",
        description="the port to listen on; 0 takes a free one",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        validation_alias="FOLKMOOT_WORKERS",
        description="processes that `serve` runs on the one port. Each is a server of its own: what is said below to "
        "count for one server counts for each worker",
    )
    only: Literal["api", "socket"] | None = Field(
        default=None,
        validation_alias="FOLKMOOT_ONLY",
        description="what `serve` answers, where another server answers the rest: `api` is HTTP without the socket, "
        "`socket` is the socket alone; unset: both",
    )
    admin_host: str = Field(
        default="127.0.0.1",
        validation_alias="FOLKMOOT_ADMIN_HOST",
        description="the address of the admin port; it asks nobody who they are, so it must be out of strangers' reach",
    )
    admin_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        validation_alias="FOLKMOOT_ADMIN_PORT",
        description="the port of `/metrics`, `/live` and `/ready`, none unless it is set; worker n has it plus n - 1",
    )
    url: str = Field(
        default="",
        validation_alias="FOLKMOOT_URL",
        description="the address people open, as https://chat.example.org; empty: http://localhost:PORT",
    )
    data: Path = Field(
        default=Path(".data"), validation_alias="FOLKMOOT_DATA", description="folder of the databases that `up` starts"
    )
    site: Path | None = Field(
        default=None,
        validation_alias="FOLKMOOT_SITE",
        description="folder of the built SPA; the wheel has its own",
    )
    serve_site: bool = Field(
        default=True,
        validation_alias="FOLKMOOT_SERVE_SITE",
        description="whether this server serves the page; where nginx does, it need not",
    )
    origins: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_ORIGINS",
        description="further origins that browsers may come from, with commas between",
    )
    trusted_proxies: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_TRUSTED_PROXIES",
        description="networks whose X-Real-IP header is believed, with commas between",
    )

    # PostgreSQL and Redis
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
    redis_url: SecretStr = Field(
        default=SecretStr(""),
        description="address of Redis or Valkey, as redis://:password@host:6379/0; instead of REDIS_*",
    )
    redis_host: str = Field(default="", description="host of Redis")
    redis_port: int = Field(default=6379, description="port of Redis")

    # Modules of your own, and their databases
    modules: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_MODULES",
        description="modules that are loaded beside Folkmoot's own: paths of folders, or dotted names of packages, "
        "with commas between",
    )
    modules_strict: bool = Field(
        default=False,
        validation_alias="FOLKMOOT_MODULES_STRICT",
        description="whether nothing starts when one of them cannot be loaded; otherwise the others do",
    )
    databases: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="FOLKMOOT_DATABASES",
        description="further PostgreSQL databases for modules, as name=postgresql://… with spaces or line breaks "
        "between; `main` is Folkmoot's own",
    )
    databases_pool: int = Field(
        default=5,
        ge=1,
        validation_alias="FOLKMOOT_DATABASES_POOL",
        description="connections that one server keeps at most to each of them, and to `main` for modules; none until "
        "a module asks",
    )
    compress_bytes: int = Field(
        default=1024,
        ge=0,
        validation_alias="FOLKMOOT_COMPRESS_BYTES",
        description="answers of the JSON database API from this size on are sent as gzip to those who take it",
    )

    # The first admin
    api_admin_email: str = Field(default="", description="who is made the first admin when there is none yet")
    api_admin_password: SecretStr = Field(
        default=SecretStr(""), description="the first admin's password; empty: `up` makes one and shows it once"
    )

    # HTTP
    body_limit_bytes: int = Field(
        default=1 << 20,
        ge=1024,
        validation_alias="FOLKMOOT_BODY_LIMIT_BYTES",
        description="the largest body of a request",
    )
    drain_s: float = Field(
        default=10.0,
        ge=0,
        validation_alias="FOLKMOOT_DRAIN_S",
        description="seconds over which sockets are sent away and requests may end when the server stops. It exits at "
        "most 13 seconds later, whatever hangs",
    )

    # Sessions and sign-in
    session_idle_s: int = Field(
        default=14 * 86_400,
        gt=0,
        validation_alias="FOLKMOOT_SESSION_IDLE_S",
        description="seconds without use after which a session ends",
    )
    session_s: int = Field(
        default=30 * 86_400,
        gt=0,
        validation_alias="FOLKMOOT_SESSION_S",
        description="seconds after which a session ends in any case",
    )
    session_admin_s: int = Field(
        default=86_400, gt=0, validation_alias="FOLKMOOT_SESSION_ADMIN_S", description="the same for admins"
    )
    sessions_per_user: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_SESSIONS_PER_USER",
        description="sessions of one user; past it the one used longest ago ends",
    )
    tokens_per_user: int = Field(
        default=50,
        ge=1,
        validation_alias="FOLKMOOT_TOKENS_PER_USER",
        description="access tokens for programs that one person or bot can have",
    )
    token_days: int = Field(
        default=366,
        ge=1,
        le=36_500,
        validation_alias="FOLKMOOT_TOKEN_DAYS",
        description="days after which an access token ends at the latest",
    )
    password_chars: int = Field(
        default=15,
        ge=8,
        le=64,
        validation_alias="FOLKMOOT_PASSWORD_CHARS",
        description="characters that a new password must have",
    )
    password_chars_second_factor: int = Field(
        default=8,
        ge=8,
        le=64,
        validation_alias="FOLKMOOT_PASSWORD_CHARS_SECOND_FACTOR",
        description="the same for an account with two-step sign-in",
    )
    sign_in_failures: int = Field(
        default=5,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_FAILURES",
        description="wrong passwords for one account from one address, in each window",
    )
    sign_in_window_s: int = Field(
        default=900, ge=1, validation_alias="FOLKMOOT_SIGN_IN_WINDOW_S", description="seconds of that window"
    )
    sign_in_per_minute: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_PER_MINUTE",
        description="tries to sign in from one address, for whatever accounts",
    )
    sign_in_account_failures: int = Field(
        default=10,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_ACCOUNT_FAILURES",
        description="wrong passwords for one account in a row, from wherever, after which each further try must wait: "
        "a second, and then twice as long each time. A browser that signed in to the account before need not",
    )
    sign_in_longest_wait_s: int = Field(
        default=900,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_LONGEST_WAIT_S",
        description="the longest such wait, in seconds",
    )
    sign_in_most_failures: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_SIGN_IN_MOST_FAILURES",
        description="wrong passwords for one account in a row after which a further try must wait for a day, or for a "
        "new password by a letter",
    )
    second_factor: Literal["optional", "admins", "all"] = Field(
        default="optional",
        validation_alias="FOLKMOOT_SECOND_FACTOR",
        description="who must have two-step sign-in. Whoever has none yet is led to turn it on, and can do nothing "
        "else till then",
    )
    second_factor_tries: int = Field(
        default=5,
        ge=1,
        validation_alias="FOLKMOOT_SECOND_FACTOR_TRIES",
        description="wrong codes for one account in each window; then the password is asked for anew",
    )
    second_factor_window_s: int = Field(
        default=300, ge=1, validation_alias="FOLKMOOT_SECOND_FACTOR_WINDOW_S", description="seconds of that window"
    )
    reauth_s: int = Field(
        default=600,
        ge=1,
        validation_alias="FOLKMOOT_REAUTH_S",
        description="seconds after which a sign-in must be confirmed, with the password or a code, before tokens, "
        "accounts or the second factor are changed",
    )
    keys: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="FOLKMOOT_KEYS",
        description="keys that lock secrets in the database, as id:base64 with spaces, commas or line breaks between: "
        "the first locks, all unlock. `folkmoot keys new` makes one; `up` keeps its own in the data folder",
    )
    hash_workers: int = Field(
        default=2,
        ge=1,
        validation_alias="FOLKMOOT_HASH_WORKERS",
        description="passwords that one server checks at the same time",
    )
    hash_queue: int = Field(
        default=50,
        ge=0,
        validation_alias="FOLKMOOT_HASH_QUEUE",
        description="people who may wait for that; the others are told to come back",
    )

    # E-mail, and forgotten passwords
    smtp_host: str = Field(
        default="",
        validation_alias="FOLKMOOT_SMTP_HOST",
        description="the mail server that takes our letters; empty: none are sent, and nobody can reset a password "
        "they forgot by themselves",
    )
    smtp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        validation_alias="FOLKMOOT_SMTP_PORT",
        description="its port; unset: 587 with `starttls`, 465 with `tls`, 25 with `none`",
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        validation_alias="FOLKMOOT_SMTP_TLS",
        description="how the way to it is encrypted: `starttls` from the first command on, or nothing is sent; `tls` "
        "from the first byte; `none` not at all, for a server on this machine",
    )
    smtp_user: str = Field(
        default="", validation_alias="FOLKMOOT_SMTP_USER", description="who we are to it; empty: it asks nobody"
    )
    smtp_password: SecretStr = Field(
        default=SecretStr(""), validation_alias="FOLKMOOT_SMTP_PASSWORD", description="password of that user"
    )
    mail_from: str = Field(
        default="",
        validation_alias="FOLKMOOT_MAIL_FROM",
        description="the address that our letters come from, as chat@example.org or Chat <chat@example.org>",
    )
    reset_s: int = Field(
        default=1800,
        ge=60,
        validation_alias="FOLKMOOT_RESET_S",
        description="seconds for which the link of a letter about a forgotten password works, once",
    )
    reset_window_s: int = Field(
        default=900,
        ge=1,
        validation_alias="FOLKMOOT_RESET_WINDOW_S",
        description="seconds of the window that the next two count in. It should be shorter than the link works: then "
        "whoever is not sent a further letter has one that works",
    )
    resets_per_account: int = Field(
        default=3,
        ge=1,
        validation_alias="FOLKMOOT_RESETS_PER_ACCOUNT",
        description="letters about a forgotten password for one account, whoever asks",
    )
    resets_per_address: int = Field(
        default=10,
        ge=1,
        validation_alias="FOLKMOOT_RESETS_PER_ADDRESS",
        description="times that one address may ask for them, for whatever accounts",
    )

    # What one person may ask
    actions_per_s: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_ACTIONS_PER_S",
        description="requests of one user over HTTP in a second, on all servers together; sockets and gRPC have "
        "budgets of their own",
    )
    actions_burst: int = Field(
        default=60,
        ge=1,
        validation_alias="FOLKMOOT_ACTIONS_BURST",
        description="requests that somebody may make at once who made none for a while",
    )

    # The socket
    api_websocket_timeout: int = Field(default=86_400, ge=60, description="seconds an idle socket lives")
    socket_echo_token: bool | None = Field(
        default=None,
        validation_alias="FOLKMOOT_SOCKET_ECHO_TOKEN",
        description="whether /ws?token= takes an access token; unset: only when API_MODE=dev",
    )
    socket_ping_s: float = Field(
        default=25.0,
        gt=0,
        validation_alias="FOLKMOOT_SOCKET_PING_S",
        description="seconds between the pings of the server",
    )
    socket_pong_s: float = Field(
        default=10.0,
        gt=0,
        validation_alias="FOLKMOOT_SOCKET_PONG_S",
        description="seconds in which a client must answer a ping",
    )
    socket_connect_s: float = Field(
        default=10.0,
        gt=0,
        validation_alias="FOLKMOOT_SOCKET_CONNECT_S",
        description="seconds in which a client must say who it is",
    )
    socket_frame_bytes: int = Field(
        default=65_536,
        ge=1024,
        validation_alias="FOLKMOOT_SOCKET_FRAME_BYTES",
        description="the largest message of a client",
    )
    socket_queue_bytes: int = Field(
        default=1 << 20,
        ge=4096,
        validation_alias="FOLKMOOT_SOCKET_QUEUE_BYTES",
        description="bytes that may wait for a slow client before its socket is closed",
    )
    socket_commands_in_flight: int = Field(
        default=64,
        ge=1,
        validation_alias="FOLKMOOT_SOCKET_COMMANDS_IN_FLIGHT",
        description="commands of one socket that may wait for their answers",
    )
    socket_commands_per_s: int = Field(
        default=200,
        ge=1,
        validation_alias="FOLKMOOT_SOCKET_COMMANDS_PER_S",
        description="commands of one socket in a second",
    )
    handshakes_per_minute: int = Field(
        default=30,
        ge=1,
        validation_alias="FOLKMOOT_HANDSHAKES_PER_MINUTE",
        description="sockets that may be opened in a minute: by one user, and from one address by those who have not "
        "said who they are",
    )
    sockets_waiting: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_SOCKETS_WAITING",
        description="sockets of one address on one server that have not said yet who they are",
    )
    sockets_per_user: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_SOCKETS_PER_USER",
        description="open sockets of one user on one server",
    )
    channels_per_socket: int = Field(
        default=10_000,
        ge=1,
        validation_alias="FOLKMOOT_CHANNELS_PER_SOCKET",
        description="channels that one socket may listen to",
    )
    channel_name_chars: int = Field(
        default=255, ge=16, validation_alias="FOLKMOOT_CHANNEL_NAME_CHARS", description="the longest name of a channel"
    )

    # gRPC
    grpc_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        validation_alias="FOLKMOOT_GRPC_PORT",
        description="the port of gRPC, usually 50051; unset: there is none; 0 takes a free one",
    )
    grpc_open: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_GRPC_OPEN",
        description="what gRPC answers without a token: `api` (the articles' service), `reflection`, or both with a "
        "comma between. Health is always answered",
    )
    grpc_certificate: Path | None = Field(
        default=None,
        validation_alias="FOLKMOOT_GRPC_CERTIFICATE",
        description="file with the certificate chain of the gRPC port (PEM); unset: no TLS. Read anew when it changes",
    )
    grpc_key: Path | None = Field(
        default=None, validation_alias="FOLKMOOT_GRPC_KEY", description="file with the private key of that certificate"
    )
    grpc_message_bytes: int = Field(
        default=65_536,
        ge=1024,
        validation_alias="FOLKMOOT_GRPC_MESSAGE_BYTES",
        description="the largest message of a caller",
    )
    grpc_call_s: float = Field(
        default=30.0,
        gt=0,
        validation_alias="FOLKMOOT_GRPC_CALL_S",
        description="seconds after which a call ends that has no sooner deadline of its own; streams have no end",
    )
    grpc_calls_per_s: int = Field(
        default=200,
        ge=1,
        validation_alias="FOLKMOOT_GRPC_CALLS_PER_S",
        description="calls of one user in a second on one server; here and below, an address without a token has half",
    )
    grpc_calls_in_flight: int = Field(
        default=64,
        ge=1,
        validation_alias="FOLKMOOT_GRPC_CALLS_IN_FLIGHT",
        description="calls of one user that may wait for their answers",
    )
    grpc_streams_per_user: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_GRPC_STREAMS_PER_USER",
        description="open streams of one user on one server",
    )
    grpc_queue_bytes: int = Field(
        default=131_072,
        ge=4096,
        validation_alias="FOLKMOOT_GRPC_QUEUE_BYTES",
        description="bytes that may wait for a slow reader of a stream; past it they are dropped, and the reader gets "
        "them out of the log at its own pace",
    )
    grpc_items: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        validation_alias="FOLKMOOT_GRPC_ITEMS",
        description="items that `getAll` of the articles' service gives at most",
    )

    # Rooms and their logs
    rooms_per_user: int = Field(
        default=500,
        ge=1,
        validation_alias="FOLKMOOT_ROOMS_PER_USER",
        description="rooms that one person can be in",
    )
    message_chars: int = Field(
        default=10_000,
        ge=1,
        validation_alias="FOLKMOOT_MESSAGE_CHARS",
        description="the longest message, in characters",
    )
    page_events: int = Field(
        default=200, ge=1, validation_alias="FOLKMOOT_PAGE_EVENTS", description="events in a page of history at most"
    )
    recover_events: int = Field(
        default=1_000,
        ge=1,
        validation_alias="FOLKMOOT_RECOVER_EVENTS",
        description="events that a client which was away gets at most before it must load a fresh page",
    )
    writer_queue: int = Field(
        default=10_000,
        ge=1,
        validation_alias="FOLKMOOT_WRITER_QUEUE",
        description="messages that may wait to be written on one server; past it senders are told to try again",
    )
    writer_batch: int = Field(
        default=256,
        ge=1,
        validation_alias="FOLKMOOT_WRITER_BATCH",
        description="messages that are written in one transaction at most",
    )

    # Services that actions and slash commands call
    services: Path | None = Field(
        default=None,
        validation_alias="FOLKMOOT_SERVICES",
        description="the YAML file that names them; see how-to/services.md",
    )

    # Incoming hooks
    hooks_per_room: int = Field(
        default=20,
        ge=1,
        validation_alias="FOLKMOOT_HOOKS_PER_ROOM",
        description="incoming hooks that one room can have",
    )
    hook_per_minute: int = Field(
        default=120,
        ge=1,
        validation_alias="FOLKMOOT_HOOK_PER_MINUTE",
        description="messages that one incoming hook may post in a minute",
    )
    hook_bytes: int = Field(
        default=262_144,
        ge=1024,
        validation_alias="FOLKMOOT_HOOK_BYTES",
        description="the largest body that an incoming hook takes; FOLKMOOT_BODY_LIMIT_BYTES holds for it too",
    )

    # Slash commands
    command_wait_s: float = Field(
        default=10.0,
        gt=0,
        validation_alias="FOLKMOOT_COMMAND_WAIT_S",
        description="seconds that a slash command may take before it is ended",
    )
    command_answer_chars: int = Field(
        default=4_000,
        ge=1,
        validation_alias="FOLKMOOT_COMMAND_ANSWER_CHARS",
        description="characters of a command's answer that are kept; the rest is cut",
    )
    commands_per_minute: int = Field(
        default=60,
        ge=1,
        validation_alias="FOLKMOOT_COMMANDS_PER_MINUTE",
        description="slash commands that one person may run in a minute",
    )
    commands_at_once: int = Field(
        default=100,
        ge=1,
        validation_alias="FOLKMOOT_COMMANDS_AT_ONCE",
        description="slash commands that run at the same time on one server; past it people are told to try again",
    )

    # Background jobs
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

    # The audit log
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

    # Outgoing webhooks
    webhook_networks: Listed = Field(
        default=(),
        validation_alias="FOLKMOOT_WEBHOOK_NETWORKS",
        description="networks of your own that webhooks may reach, also without https, with commas between; without it "
        "only public addresses",
    )
    webhook_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=60,
        validation_alias="FOLKMOOT_WEBHOOK_TIMEOUT_S",
        description="seconds in which a receiver must answer",
    )
    webhook_give_up_s: int = Field(
        default=86_400,
        ge=0,
        validation_alias="FOLKMOOT_WEBHOOK_GIVE_UP_S",
        description="seconds without a delivery after which a webhook is failing and is tried again only when an admin "
        "says so",
    )
    webhooks_per_room: int = Field(
        default=10, ge=0, validation_alias="FOLKMOOT_WEBHOOKS_PER_ROOM", description="webhooks that one room can have"
    )

    @field_validator("trusted_proxies", "webhook_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr) -> SecretStr:
        return _of_scheme(value, "postgresql", "postgres")

    @field_validator("databases")
    @classmethod
    def _databases(cls, value: SecretStr) -> SecretStr:
        named: set[str] = set()
        for part in value.get_secret_value().split():
            name, equals, address = part.partition("=")
            if not equals or not re.fullmatch("[a-z][a-z0-9_]*", name):
                raise ValueError("each must read name=postgresql://…, its name small letters, digits and underscores")
            if name == "main" or name in named:
                raise ValueError(f"{name!r} is named already; `main` is Folkmoot's own database")
            _of_scheme(SecretStr(address or "?"), "postgresql", "postgres")
            named.add(name)
        return value

    @field_validator("keys")
    @classmethod
    def _keys(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            from folkmoot.keys import read_keys  # with its library, which not every command needs

            read_keys(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value:
            from folkmoot.mail.addresses import read_sender  # with its library, which not every command needs

            read_sender(value)
        return value

    @model_validator(mode="after")
    def _mail_fits(self) -> Self:
        if self.smtp_host and not self.mail_from:
            raise ValueError("FOLKMOOT_MAIL_FROM must be set, too: the address that letters come from")
        if bool(self.smtp_user) != bool(self.smtp_password.get_secret_value()):
            raise ValueError("FOLKMOOT_SMTP_USER and FOLKMOOT_SMTP_PASSWORD go together")
        return self

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr) -> SecretStr:
        return _of_scheme(value, "redis", "rediss", "unix")

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must be an address such as http://collector:4318")
        return value

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        return _origin(value) if value else ""

    @field_validator("origins")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_origin(address) for address in value)

    @field_validator("grpc_open")
    @classmethod
    def _grpc_services(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if name not in ("api", "reflection")]:
            raise ValueError(f"takes api and reflection, and not {', '.join(wrong)}")
        return value

    @model_validator(mode="after")
    def _grpc_fits(self) -> Self:
        if (self.grpc_certificate is None) != (self.grpc_key is None):
            raise ValueError("FOLKMOOT_GRPC_CERTIFICATE and FOLKMOOT_GRPC_KEY go together")
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
            )
            if secret in DEFAULT_SECRETS
        ]
        if guessable:
            raise ValueError(f"{', '.join(guessable)} must be set to a secret of your own (or use API_MODE=dev)")
        return self

    @property
    def dsn(self) -> str:
        """The PostgreSQL address: DATABASE_URL, or made of POSTGRES_*; empty when none is set."""
        if url := self.database_url.get_secret_value():
            return url
        if not self.postgres_host:
            return ""
        user, password = quote(self.postgres_user), quote(self.postgres_password.get_secret_value(), safe="")
        return f"postgresql://{user}:{password}@{self.postgres_host}:{self.postgres_port}/{self.postgres_db}"

    @property
    def named_dsns(self) -> dict[str, str]:
        """The PostgreSQL addresses that modules may name; `main` is ours."""
        named = (part.partition("=") for part in self.databases.get_secret_value().split())
        return {"main": self.dsn, **{name: address for name, _, address in named}}

    @property
    def redis_dsn(self) -> str:
        """The Redis address: REDIS_URL, or made of REDIS_HOST and REDIS_PORT; empty when none is set."""
        if url := self.redis_url.get_secret_value():
            return url
        return f"redis://{self.redis_host}:{self.redis_port}/0" if self.redis_host else ""

    @property
    def sends_mail(self) -> bool:
        return bool(self.smtp_host)

    @property
    def public_url(self) -> str:
        return self.url or f"http://localhost:{self.port}"

    @property
    def issuer(self) -> str:
        """How authenticator apps name this server."""
        return f"Folkmoot ({urlsplit(self.public_url).hostname})"

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Exact origins that a browser may come from. A laptop may also be opened by its loopback address."""
        origins = {self.public_url, *self.origins}
        if not self.url:
            origins |= {f"http://127.0.0.1:{self.port}", f"http://[::1]:{self.port}"}
        return frozenset(origins)

    @property
    def secure_cookies(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def echo_takes_access_tokens(self) -> bool:
        return self.api_mode == "dev" if self.socket_echo_token is None else self.socket_echo_token


def _origin(address: str) -> str:
    """An address as browsers write it in `Origin`: small letters, no default port, no path."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.username:
        raise ValueError("must be an address without a path, such as https://chat.example.org")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{parts.port}"


def _of_scheme(address: SecretStr, *schemes: str) -> SecretStr:
    """The address as it is, when it is empty or can be one. What it says may be secret, and is not repeated."""
    given = address.get_secret_value()
    try:
        parts = urlsplit(given)
        several = "," in parts.netloc  # libpq's way to name a standby too
        fits = parts.scheme in schemes and (several or parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if given and not fits:
        raise ValueError(f"must be an address that starts with {schemes[0]}://")
    return address


def _password_in(address: SecretStr) -> str | None:
    return urlsplit(address.get_secret_value()).password


def load_settings(**overrides: object) -> Settings:
    """Reads the settings. Raises BadSettings with one line for each variable that is wrong."""
    try:
        return Settings(**_secrets_from_files(), **overrides)  # type: ignore[arg-type]  # names are checked by pydantic
    except ValidationError as error:
        lines = [
            f"{_variable(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}" for problem in error.errors()
        ]
        raise BadSettings("\n".join(lines)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    if not location:
        return "settings"
    field = Settings.model_fields.get(str(location[0]))
    return str(field.validation_alias if field and field.validation_alias else location[0]).upper()


def _secrets_from_files() -> dict[str, str]:
    """Values of the variables that a NAME_FILE names, for each secret that is not set directly."""
    found = {}
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or name).upper()
        path = os.environ.get(f"{variable}_FILE")
        if field.annotation is not SecretStr or not path or os.environ.get(variable):
            continue
        try:
            found[name] = Path(path).read_text().strip()
        except OSError as error:
            raise BadSettings(f"{variable}_FILE: cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadSettings(f"{variable}_FILE: {path} is not text") from None
    return found
