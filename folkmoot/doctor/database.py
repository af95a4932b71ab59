"""The database: that it answers, forgets nothing, and fits this version."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import asyncpg

from folkmoot.database import DURABLE
from folkmoot.doctor.finding import ANSWER_S, Finding, reason, where
from folkmoot.errors import CommandFailed
from folkmoot.kept_keys import with_kept_keys
from folkmoot.keys import read_keys
from folkmoot.laptop.binaries import OLDEST_POSTGRES
from folkmoot.migrations import current, revisions
from folkmoot.migrations.rights import beyond
from folkmoot.settings import Settings

CLOCK_S = 1.0


async def look_at_database(dsn: str, settings: Settings) -> list[Finding]:
    if not dsn:
        return [Finding("database", True, "none runs now; `folkmoot up` starts its own")]
    place = where(dsn)
    try:
        connection = await asyncpg.connect(dsn, timeout=ANSWER_S, command_timeout=ANSWER_S)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        advice = "Check DATABASE_URL (or POSTGRES_*), and that this server runs and lets this machine in."
        return [Finding("database", False, f"{place} does not let us in: {reason(error)}", advice)]
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
        return Finding(name, False, f"the database did not answer: {reason(error)}", "Look at its log.")


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
