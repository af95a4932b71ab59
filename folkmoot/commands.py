"""What the commands do: start the servers they need, call actions as the operator, and end."""

import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from math import inf
from pathlib import Path

import structlog

from folkmoot import backups, laptop
from folkmoot.actions import Call, Caller, Nothing
from folkmoot.app import operating, running, working
from folkmoot.core import Core
from folkmoot.errors import CommandFailed
from folkmoot.jobs.worker import CONNECTIONS as JOBS_CONNECTIONS
from folkmoot.kept_keys import with_kept_keys
from folkmoot.listening import check_admin_ports, listen, listen_to_admins, listen_together
from folkmoot.loading.revisions import migrate_modules
from folkmoot.migrations import BASE, HEAD, is_earlier, is_known, migrate, resolve, revision_of
from folkmoot.migrations.roles import let_servers_in
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.accounts.schemas import Account
from folkmoot.modules.audit import actions as audit
from folkmoot.modules.audit.schemas import AuditEntry
from folkmoot.modules.bots import actions as bots
from folkmoot.modules.bots.schemas import Bot
from folkmoot.modules.jobs import actions as jobs
from folkmoot.modules.jobs.schemas import JobCounts, PageOf, StoredJob
from folkmoot.modules.sessions.keeper import forget_everybody
from folkmoot.modules.tokens.actions import check
from folkmoot.modules.tokens.schemas import IssuedToken
from folkmoot.modules.twofactor import actions as twofactor
from folkmoot.services.file import read_services
from folkmoot.settings import Settings
from folkmoot.stopping import Stopped, longest_stop_s, stopping, unless
from folkmoot.supervisor import SUPERVISOR_S, Supervisor, check_platform
from folkmoot.up import Greet, Report, with_servers

log = structlog.get_logger(__name__)

LAPTOP_ADMIN = "admin@localhost"
OPERATOR = Caller(user_id=0, name="operator", role="admin", session_id=0, expires_in_s=0, confirmed_at_s=inf)


async def serve_here(settings: Settings, listening: socket.socket, *, report: Report, greet: Greet) -> None:
    """The server on a laptop whose databases run, until a signal says stop."""
    settings = with_kept_keys(settings, make=True)
    async with stopping(longest_stop_s(settings)) as stop:
        with suppress(Stopped):
            await unless(stop, _up_to_date(settings))
            admin = await unless(stop, _first_admin(settings, settings.api_admin_email or LAPTOP_ADMIN))
            async with running(settings, listening, listen_to_admins(settings)) as node:
                report(f"Listening on {settings.host}:{node.port}")
                if node.grpc_port is not None:
                    report(f"gRPC on {settings.host}:{node.grpc_port}")
                greet(node.settings.public_url, admin)
                await stop.wait()
                report("Stopping")


async def serve(settings: Settings, *, migrate_first: bool) -> None:
    """The server alone, with the databases that the settings name."""
    _need_databases(settings)
    if settings.api_admin_email and not settings.api_admin_password.get_secret_value():
        raise CommandFailed("Set API_ADMIN_PASSWORD (or API_ADMIN_PASSWORD_FILE) beside API_ADMIN_EMAIL.")
    alone = settings.workers == 1
    if not alone:
        check_platform()
    async with stopping(longest_stop_s(settings) + (0 if alone else SUPERVISOR_S)) as stop:
        with suppress(Stopped):
            await unless(stop, prepare(settings, migrate_first=migrate_first))
            if alone:
                async with running(settings, listen(settings), listen_to_admins(settings)):
                    await stop.wait()
            else:
                check_admin_ports(settings)
                await Supervisor(settings, listen_together(settings)).run(stop)


async def work(settings: Settings, listening: socket.socket, number: int, *, is_ready: Callable[[], None]) -> None:
    """One of several workers: a node on a socket that its supervisor made, when everything is prepared."""
    admin = listen_to_admins(settings, worker=number)
    async with stopping(longest_stop_s(settings)) as stop, running(settings, listening, admin):
        is_ready()
        await stop.wait()


async def work_on_jobs(settings: Settings, *, migrate_first: bool, report: Callable[[str], None]) -> None:
    """Background jobs alone, with the databases that the settings name, until a signal says stop."""
    _need_databases(settings)
    if not settings.jobs_concurrency:
        raise CommandFailed("FOLKMOOT_JOBS_CONCURRENCY is 0: set it to how many jobs may run at the same time.")
    async with stopping(longest_stop_s(settings)) as stop:
        with suppress(Stopped):
            if migrate_first:
                await unless(stop, _up_to_date(settings))
            async with working(settings, listen_to_admins(settings)):
                report("Working")
                await stop.wait()
                report("Stopping")


async def prepare(settings: Settings, *, migrate_first: bool) -> None:
    """What is done once, however many workers come after it."""
    if settings.services:
        read_services(settings.services)  # each worker would refuse a wrong one, and be started again
    if migrate_first:
        await _up_to_date(settings)
    async with operating(settings) as core:  # which also checks that this database forgets nothing
        await _count_connections(core, settings)
        if settings.api_admin_email:
            given = settings.api_admin_password.get_secret_value()
            await accounts.add_first_admin(Call(core, OPERATOR), settings.api_admin_email, given)


async def _count_connections(core: Core, settings: Settings) -> None:
    """Warns when the workers together may want more of PostgreSQL than it gives."""
    each = settings.database_pool + (JOBS_CONNECTIONS if settings.jobs_concurrency else 0)
    wanted, most = settings.workers * each, await core.database.most_connections()
    if wanted > most:
        log.warning(
            "workers.too_many_connections",
            note="FOLKMOOT_WORKERS x (FOLKMOOT_DATABASE_POOL + 2 for jobs) is more than max_connections of PostgreSQL",
            wanted=wanted,
            max_connections=most,
        )


async def migrate_to(settings: Settings, target: str, *, lose_data: bool, or_newer: bool = False) -> tuple[str, str]:
    """Returns the revisions before and after. With `or_newer`, what a newer version has made is left as it is."""
    async with _some_servers(settings) as settings:
        before = await revision_of(settings.migrating_dsn, within_s=settings.database_start_s)
        if or_newer and not is_known(before):
            await _let_servers_in(settings)
            return before, before
        if is_earlier(resolve(target), before) and not lose_data:
            raise CommandFailed(
                f"The database is at {before}. Going down to {resolve(target)} removes what only the newer schema "
                "holds, messages among it. Make a backup, stop the server, and say --yes."
            )
        if resolve(target) == BASE:
            await migrate_modules(settings, BASE)
        moved = await migrate(settings.migrating_dsn, target, within_s=settings.database_start_s)
        if target == HEAD:
            await migrate_modules(settings)
        await _let_servers_in(settings)
        return moved


async def back_up(settings: Settings, target: Path) -> int:
    """Writes a backup, while servers run or not. Returns its bytes."""
    async with _some_servers(settings) as settings:
        return await backups.back_up(settings.migrating_dsn, target)


async def put_back(settings: Settings, source: Path) -> None:
    """Puts a backup back, and brings it up to date."""
    async with _some_servers(settings) as settings:
        await backups.put_back(settings.migrating_dsn, source, within_s=settings.database_start_s)
        await _up_to_date(settings)
        async with operating(settings) as core:
            await forget_everybody(core.bus)
            async with core.database.connection() as connection:
                await Call(core, OPERATOR).note(connection, action="backups.restore", file=source.name)


async def add_user(settings: Settings, email: str, name: str, password: str, *, admin: bool) -> Account:
    async with _operator(settings) as call:
        given = {"email": email, "name": name, "password": password, "role": "admin" if admin else "member"}
        return await accounts.add.perform(call, given)


async def list_users(settings: Settings) -> list[Account]:
    async with _operator(settings) as call:
        return (await accounts.accounts(call, Nothing())).accounts


async def set_password(settings: Settings, email: str, password: str) -> None:
    async with _operator(settings) as call:
        user_id = await _id_of(call, email)
        await accounts.set_password.perform(call, {"user_id": user_id, "password": password})


async def enable_user(settings: Settings, email: str) -> None:
    async with _operator(settings) as call:
        await accounts.enable.perform(call, {"user_id": await _id_of(call, email)})


async def disable_user(settings: Settings, email: str) -> None:
    async with _operator(settings) as call:
        await accounts.disable.perform(call, {"user_id": await _id_of(call, email)})


async def reset_second_factor(settings: Settings, email: str) -> bool:
    """Forgets the second factor of an account. False when it had none."""
    async with _operator(settings) as call:
        return await twofactor.reset(call, await _id_of(call, email))


async def lock_secrets_anew(settings: Settings) -> tuple[int, str]:
    """Locks all secrets with the first key. Returns how many, and the id of that key."""
    async with _operator(settings) as call:
        return await twofactor.lock_anew(call.core), call.core.keys.first


async def add_bot(settings: Settings, name: str, scopes: list[str], days: int) -> tuple[Bot, IssuedToken]:
    """Makes a bot with its first token."""
    async with _operator(settings) as call:
        given = bots.issue_token.parse({"bot_id": 1, "name": "The first", "scopes": scopes, "days": days})
        check(call, given)  # before there is a bot that nobody can use
        bot = await bots.add.perform(call, {"name": name})
        return bot, await bots.issue_token(call, given.model_copy(update={"bot_id": bot.id}))


async def list_jobs(settings: Settings) -> tuple[JobCounts, list[StoredJob]]:
    """How many jobs there are, and the newest of those that failed."""
    async with _operator(settings) as call:
        return await jobs.counts(call, Nothing()), (await jobs.failed(call, PageOf(limit=200))).jobs


async def retry_jobs(settings: Settings, job_id: int | None) -> int:
    """Starts a failed job afresh, or all of them. Returns how many."""
    async with _operator(settings) as call:
        if job_id is None:
            return (await jobs.retry_all(call, Nothing())).retried
        await jobs.retry.perform(call, {"job_id": job_id})
        return 1


async def list_audit(settings: Settings, who: str | None, wanted: Mapping[str, object]) -> list[AuditEntry]:
    """Entries of the audit log, newest first. `who` is an email address, or `operator`."""
    async with _operator(settings) as call:
        someone = None if who is None else 0 if who == OPERATOR.name else await _id_of(call, who)
        given = audit.export.parse({**wanted, "who": someone})
        async with call.core.database.connection() as connection:
            return await audit.listed(connection, given)


def new_password() -> str:
    return secrets.token_urlsafe(12)


async def _id_of(call: Call, email: str) -> int:
    for account in (await accounts.accounts(call, Nothing())).accounts:
        if account.email == email.lower():
            return account.id
    raise CommandFailed(f"There is no account {email}. `folkmoot user list` shows those that are.")


@asynccontextmanager
async def _operator(settings: Settings) -> AsyncIterator[Call]:
    """A call of the operator, on the databases of the settings or of this machine."""
    async with _some_servers(settings) as settings:
        await _up_to_date(settings)
        async with operating(settings) as core:
            yield Call(core, OPERATOR, address="local", user_agent="folkmoot")


@asynccontextmanager
async def _some_servers(settings: Settings) -> AsyncIterator[Settings]:
    """Settings that name running databases: those given, those of a Folkmoot that runs here, or our own for now."""
    settings = with_kept_keys(settings, make=False)
    servers = None if settings.dsn and settings.redis_dsn else laptop.running(settings.data)
    if servers is not None and servers.dsn and servers.redis_url:
        own = replace(servers, dsn=settings.dsn or servers.dsn, redis_url=settings.redis_dsn or servers.redis_url)
        yield with_servers(settings, own)
        return
    if not settings.dsn and not settings.data.exists():
        raise CommandFailed(
            f"There is no Folkmoot in {settings.data} yet. Start one with `folkmoot up`, or set DATABASE_URL."
        )
    async with laptop.servers(
        settings.data, dsn=settings.dsn, redis_url=settings.redis_dsn, report=lambda line: None
    ) as started:
        yield with_servers(settings, started)


async def _up_to_date(settings: Settings) -> None:
    await migrate(settings.migrating_dsn, HEAD, within_s=settings.database_start_s)
    await migrate_modules(settings)
    await _let_servers_in(settings)


async def _let_servers_in(settings: Settings) -> None:
    """Where the owner of the schema is another role than the one that servers sign in with."""
    if settings.owner_dsn:
        await let_servers_in(settings.owner_dsn, settings.dsn, within_s=settings.database_start_s)


async def _first_admin(settings: Settings, email: str) -> tuple[str, str] | None:
    """Makes the first admin. Returns how they sign in if nobody knows it yet."""
    given = settings.api_admin_password.get_secret_value()
    async with operating(settings) as core:
        made = await accounts.add_first_admin(Call(core, OPERATOR), email, given)
    return (made.email, made.password) if made and not given else None


def _need_databases(settings: Settings) -> None:
    missing = [name for name, value in (("DATABASE_URL", settings.dsn), ("REDIS_URL", settings.redis_dsn)) if not value]
    if missing:
        raise CommandFailed(
            f"Set {' and '.join(missing)} for `folkmoot serve`, or start everything with `folkmoot up`."
        )
