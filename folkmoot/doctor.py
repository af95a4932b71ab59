"""`folkmoot doctor`: looks at everything a start depends on, and says what to do about what is wrong."""

import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from folkmoot.database import DURABLE
from folkmoot.errors import CommandFailed
from folkmoot.kept_keys import with_kept_keys
from folkmoot.keys import read_keys
from folkmoot.laptop import LaptopError, running
from folkmoot.laptop.binaries import OLDEST_POSTGRES, Binary, find_postgres, find_valkey
from folkmoot.laptop.port import port_holder, port_is_free
from folkmoot.loading.modules import load_modules
from folkmoot.migrations import current, revisions
from folkmoot.migrations.rights import beyond
from folkmoot.services.check import check_file
from folkmoot.services.file import BadServices
from folkmoot.settings import Settings

ANSWER_S = 5.0
CLOCK_S = 1.0
DISK_BYTES = 1 << 30
OLDEST_PYTHON = (3, 11)
OLDEST_REDIS = (6, 2)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` is what to do, and empty when it is well."""

    name: str
    ok: bool
    says: str
    advice: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Looks at everything once, changes nothing, and never waits long for what does not answer."""
    live = running(settings.data)
    dsn = settings.dsn or (live.dsn if live else "")
    redis_url = settings.redis_dsn or (live.redis_url if live else "")
    return [
        _settings(settings),
        _python(),
        *_binaries(settings),
        _disk(settings.data),
        *await _database(dsn, settings),
        await _redis(redis_url),
        _port(settings, is_ours=live is not None),
        _site(settings),
        await _services(settings.services),
        await _mail(settings),
        *_modules(settings),
    ]


def _settings(settings: Settings) -> Finding:
    says = f"API_MODE={settings.api_mode}, people open {settings.public_url}"
    if settings.host not in LOOPBACK and not settings.secure_cookies and settings.api_mode == "production":
        return Finding(
            "settings", False, f"{says}, and FOLKMOOT_HOST={settings.host} is open to all without TLS",
            "Put a proxy with TLS before it and set FOLKMOOT_URL=https://…, or set FOLKMOOT_HOST=127.0.0.1.",
        )  # fmt: skip
    return Finding("settings", True, says)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= OLDEST_PYTHON
    return Finding("Python", ok, f"{version} in {sys.prefix}", "" if ok else "Install Python 3.11 or newer.")


def _binaries(settings: Settings) -> list[Finding]:
    """What `folkmoot up` would start; nothing where an address is given instead."""
    wanted = []
    if not settings.dsn:
        wanted.append(_binary("PostgreSQL program", find_postgres))
    if not settings.redis_dsn:
        wanted.append(_binary("Valkey program", find_valkey))
    return wanted


def _binary(name: str, find: Callable[[], Binary]) -> Finding:
    try:
        binary = find()
    except LaptopError as error:
        return Finding(name, False, "there is none", str(error))
    return Finding(name, True, f"{binary.title} from the {binary.source}: {binary.path}")


def _disk(data: Path) -> Finding:
    there = next(folder for folder in (data.absolute(), *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    says = f"{free / (1 << 30):.1f} GB free for {data.absolute()}"
    if free < DISK_BYTES:
        return Finding("disk", False, says, "Free some space: a full disk stops the database.")
    return Finding("disk", True, says)


async def _database(dsn: str, settings: Settings) -> list[Finding]:
    if not dsn:
        return [Finding("database", True, "none runs now; `folkmoot up` starts its own")]
    where = _where(dsn)
    try:
        connection = await asyncpg.connect(dsn, timeout=ANSWER_S, command_timeout=ANSWER_S)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        advice = "Check DATABASE_URL (or POSTGRES_*), and that this server runs and lets this machine in."
        return [Finding("database", False, f"{where} does not let us in: {_reason(error)}", advice)]
    try:
        return [
            await _asked("database", _database_version, connection),
            await _asked("durability", _durability, connection),
            await _asked("migrations", _migrations, connection),
            await _asked("role", _role, connection),
            await _asked("clock", _clock, connection),
            await _asked("keys", partial(_keys, settings), connection),
        ]
    finally:
        await connection.close(timeout=ANSWER_S)


async def _asked(
    name: str,
    question: Callable[["asyncpg.Connection[asyncpg.Record]"], Awaitable[Finding]],
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> Finding:
    try:
        return await question(connection)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Finding(name, False, f"the database did not answer: {_reason(error)}", "Look at its log.")


async def _database_version(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    major = connection.get_server_version().major
    says = f"PostgreSQL {await connection.fetchval('SHOW server_version')} answers"
    ok = major >= OLDEST_POSTGRES
    return Finding("database", ok, says, "" if ok else f"Upgrade it to PostgreSQL {OLDEST_POSTGRES} or newer.")


async def _durability(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    rows = await connection.fetch("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", list(DURABLE))
    is_set = {row["name"]: row["setting"] for row in rows}
    says = ", ".join(f"{name}={is_set.get(name)}" for name in DURABLE)
    if is_set == DURABLE:
        return Finding("durability", True, says)
    wanted = ", ".join(f"{name}={value}" for name, value in DURABLE.items())
    return Finding("durability", False, says, f"An acknowledged message could be lost. Set {wanted}.")


async def _migrations(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    at, known = await current(connection), revisions()
    if at == known[-1]:
        return Finding("migrations", True, f"the database is at {at}, the latest")
    if at not in (*known, "base"):
        advice = "A newer Folkmoot made it: start that version, or migrate down with it first."
        return Finding("migrations", False, f"the database is at {at}, which this version does not know", advice)
    says = f"the database is at {at}, the latest is {known[-1]}"
    return Finding("migrations", False, says, "Run `folkmoot migrate`; `up` and `serve` do so at their start.")


async def _role(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Whether servers could change the schema. On a laptop they may: it is the operator's own."""
    role = await connection.fetchval("SELECT current_user")
    if too_much := await beyond(connection, role):
        return Finding("role", True, f"{role} {', '.join(too_much)}; DATABASE_OWNER_URL keeps that from servers")
    return Finding("role", True, f"{role} reads and writes, and may not change the schema")


async def _clock(connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    before = time.time()
    theirs: datetime = await connection.fetchval("SELECT clock_timestamp()")
    middle = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    apart = (theirs - middle).total_seconds()
    says = f"{abs(apart):.3f} s {'ahead of' if apart < 0 else 'behind'} the database's"
    if abs(apart) < CLOCK_S:
        return Finding("clock", True, says)
    return Finding(
        "clock", False, says,
        "Sessions would end, and one-time codes be refused, at the wrong time. Let both machines use NTP.",
    )  # fmt: skip


async def _keys(settings: Settings, connection: "asyncpg.Connection[asyncpg.Record]") -> Finding:
    """Whether the secrets in the database can be read, and new ones be kept."""
    try:
        known = list(read_keys(with_kept_keys(settings, make=False).keys.get_secret_value()))
    except CommandFailed as error:
        return Finding("keys", False, str(error), "Put the file back, or reset second factors one by one.")
    is_there = await connection.fetchval("SELECT to_regclass('totp') IS NOT NULL")
    used = [row["key_id"] for row in await connection.fetch("SELECT DISTINCT key_id FROM totp")] if is_there else []
    advice = "Make a key with `folkmoot keys new`, and set FOLKMOOT_KEYS or FOLKMOOT_KEYS_FILE."
    if missing := sorted(set(used) - set(known)):
        says = f"second factors are locked with {', '.join(missing)}, which is not known here"
        return Finding("keys", False, says, "Add that key to FOLKMOOT_KEYS. Until then these people cannot sign in.")
    if known:
        return Finding("keys", True, f"secrets are locked with {known[0]}, {len(known)} known")
    if settings.second_factor != "optional":
        return Finding("keys", False, f"none, and FOLKMOOT_SECOND_FACTOR={settings.second_factor}", advice)
    return Finding("keys", True, "none (FOLKMOOT_KEYS is not set): nobody can turn on two-step sign-in")


async def _redis(url: str) -> Finding:
    if not url:
        return Finding("Redis", True, "none runs now; `folkmoot up` starts its own")
    where = _where(url)
    try:
        async with Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, decode_responses=True
        ) as redis:
            info = await redis.info("server")
            heard = await _hears_itself(redis)
    except (RedisError, OSError, TimeoutError, ValueError) as error:
        advice = "Check REDIS_URL (or REDIS_HOST and REDIS_PORT), and that this server runs and lets us in."
        return Finding("Redis", False, f"{where} does not let us in: {_reason(error)}", advice)
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version", info["redis_version"]))
    says = f"{name} {version} answers ({where})"
    if tuple(map(int, str(info["redis_version"]).split(".")[:2])) < OLDEST_REDIS:
        return Finding("Redis", False, says, "Upgrade it to Redis 6.2 or newer, or to Valkey.")
    if not heard:
        return Finding("Redis", False, f"{says}, but publish/subscribe does not", "Allow its user PUBLISH/SUBSCRIBE.")
    return Finding("Redis", True, f"{says}, publish/subscribe works")


async def _hears_itself(redis: Redis) -> bool:
    channel = f"folkmoot:doctor:{uuid4()}"
    async with redis.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe(channel)
        async with asyncio.timeout(ANSWER_S):
            await redis.publish(channel, "ping")
            while (message := await listener.get_message(timeout=ANSWER_S)) is None:
                continue
        return bool(message["data"] == "ping")


def _port(settings: Settings, *, is_ours: bool) -> Finding:
    where = f"{settings.host}:{settings.port}"
    try:
        free = port_is_free(settings.host, settings.port)
    except OSError as error:
        return Finding("port", False, f"{where} cannot be used: {_reason(error)}", "Check FOLKMOOT_HOST and _PORT.")
    if free:
        return Finding("port", True, f"{where} is free")
    holder = port_holder(settings.port)
    if is_ours:
        return Finding("port", True, f"{where} is in use by {holder}; Folkmoot runs with this data folder")
    return Finding("port", False, f"{where} is in use by {holder}", "Stop that program, or set FOLKMOOT_PORT=8001.")


def _site(settings: Settings) -> Finding:
    if not settings.serve_site:
        return Finding("site", True, "served elsewhere (FOLKMOOT_SERVE_SITE=false)")
    site = settings.site or Path(__file__).parent / "site"
    if (site / "index.html").is_file():
        return Finding("site", True, f"built, in {site}")
    return Finding("site", False, f"there is no built page in {site}", "Run `make site`, or set FOLKMOOT_SITE.")


async def _services(path: Path | None) -> Finding:
    if path is None:
        return Finding("services", True, "none (FOLKMOOT_SERVICES is not set)")
    try:
        looks = await check_file(path)
    except BadServices as error:
        return Finding("services", False, f"{path} cannot be used", str(error))
    ill = [look.name for look in looks if not look.health.ok]
    if ill:
        return Finding("services", False, f"not well: {', '.join(ill)}", "Run `folkmoot services check`.")
    return Finding("services", True, f"{len(looks)} in {path}, all well")


async def _mail(settings: Settings) -> Finding:
    """Whether the mail server lets us in. Nothing is sent."""
    if not settings.sends_mail:
        says = "none is sent (FOLKMOOT_SMTP_HOST is not set): nobody can choose a new password by a letter"
        return Finding("mail", True, says)
    from folkmoot.mail.sender import NotSent, check  # with its library, which not every look needs

    try:
        await check(settings)
    except NotSent as error:
        advice = "Check FOLKMOOT_SMTP_*, and the log of that server."
        return Finding("mail", False, f"no letter can be sent: {error}", advice)
    if not settings.url:
        advice = "Set FOLKMOOT_URL: links in letters lead there."
        return Finding("mail", False, f"links in letters would lead to {settings.public_url}", advice)
    return Finding("mail", True, f"{settings.smtp_host} lets us in, letters come from {settings.mail_from}")


def _modules(settings: Settings) -> list[Finding]:
    """One for those that are loaded, and one for each that is not."""
    if not settings.modules:
        return []
    modules = load_modules(settings.model_copy(update={"modules_strict": False}), report=lambda failure: None)
    names = ", ".join(module.name for module in modules.loaded if module.place)
    advice = "Put it right, or take it out of FOLKMOOT_MODULES."
    return [
        *([Finding("modules", True, f"{names} besides Folkmoot's own")] if names else []),
        *(Finding("modules", False, str(failure), advice) for failure in modules.failures),
    ]


def _where(address: str) -> str:
    """An address without its secrets."""
    parts = urlsplit(address)
    if not parts.hostname:
        return "a local socket"
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
