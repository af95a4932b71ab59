"""The command line: starts the product, and does by hand what an operator sometimes must.

What a command alone needs is imported in it: nobody should wait for a web server to read the help.
"""

import json
import os
import shutil
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from folkmoot import __version__
from folkmoot.audit.cli import audit
from folkmoot.database import NotDurable
from folkmoot.descriptors import take_all
from folkmoot.errors import CommandFailed, Error
from folkmoot.keys_cli import keys, totp
from folkmoot.laptop import LaptopError
from folkmoot.listening import PortTaken
from folkmoot.loading.cli import module
from folkmoot.migrations import HEAD, NoSuchRevision
from folkmoot.settings import BadSettings, Settings, load_settings
from folkmoot.telemetry.logs import configure_logs
from folkmoot.up import up as run_everything

cli = typer.Typer(
    name="folkmoot",
    help="Folkmoot: a self-hosted team chat, and the real-time backend under it.",
    epilog="To try it on this machine: folkmoot up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
user = typer.Typer(help="People's accounts: add, list, give a new password, disable.", no_args_is_help=True)
cli.add_typer(user, name="user")
jobs = typer.Typer(help="Background jobs: see what failed, try it again.", no_args_is_help=True)
cli.add_typer(jobs, name="jobs")
bot = typer.Typer(help="Accounts of programs, which have a token instead of a password.", no_args_is_help=True)
cli.add_typer(bot, name="bot")
services = typer.Typer(help="The services that actions and slash commands call.", no_args_is_help=True)
cli.add_typer(services, name="services")

cli.add_typer(module, name="module")
cli.add_typer(keys, name="keys")
cli.command("totp")(totp)
cli.command("audit")(audit)

T = TypeVar("T")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Host = Annotated[str | None, typer.Option(help="Address to listen on. [default: FOLKMOOT_HOST or 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on. [default: FOLKMOOT_PORT or 8000]")]
Data = Annotated[Path | None, typer.Option(help="Folder of the databases. [default: FOLKMOOT_DATA or .data]")]

EXPECTED = (LaptopError, PortTaken, BadSettings, NotDurable, NoSuchRevision, CommandFailed, Error)


def main() -> None:
    """Runs a command; what can be expected to go wrong is one sentence that says what to do."""
    try:
        cli()
    except EXPECTED as error:
        err.print(f"[red]✗[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


@cli.command()
def up(host: Host = None, port: Port = None, data: Data = None) -> None:
    """Start everything on this machine: PostgreSQL, Valkey, the server and its site.

    The first start makes a database and an admin, and shows how to sign in once. Data stays in `.data`.
    With DATABASE_URL or REDIS_URL set, those servers are used instead of own ones. Ctrl-C stops everything.
    """
    settings = _settings("warning", host=host, port=port, data=data)
    _run(run_everything(settings, report=lambda line: out.print(f"[dim]·[/dim] {escape(line)}"), greet=_greet))


@cli.command()
def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that share the port. [default: FOLKMOOT_WORKERS or 1]")
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="`api` or `socket`, where another server answers the rest. [default: both]")
    ] = None,
    migrate: Annotated[bool, typer.Option(help="Bring the database up to date first.")] = True,
) -> None:
    """Run the server with the PostgreSQL and Redis of DATABASE_URL and REDIS_URL.

    For a server or a container: it needs nothing but its settings, and several of them may share the two databases.
    """
    from folkmoot import commands

    _run(commands.serve(_settings("info", host=host, port=port, workers=workers, only=only), migrate_first=migrate))


@jobs.command("list")
def jobs_list(data: Data = None) -> None:
    """Show how many jobs wait and run, and those that failed with what went wrong."""
    from folkmoot import commands

    counts, failed = _run(commands.list_jobs(_settings("warning", data=data)))
    out.print(f"{counts.waiting} waiting, {counts.running} running, {counts.failed} failed, {counts.workers} workers.")
    if failed:
        table = Table("id", "job", "attempts", "failed", "error", box=None, pad_edge=False)
        for one in failed:
            table.add_row(
                str(one.id), escape(one.name), str(one.attempts), f"{one.since:%Y-%m-%d %H:%M}", escape(one.error or "")
            )
        out.print(table)


@jobs.command("retry")
def jobs_retry(
    job_id: Annotated[int | None, typer.Argument(help="The id of a failed job. [default: all of them]")] = None,
    data: Data = None,
) -> None:
    """Start a failed job afresh, or all of them."""
    from folkmoot import commands

    retried = _run(commands.retry_jobs(_settings("warning", data=data), job_id))
    out.print(f"{retried} started afresh.")


@cli.command()
def work(
    migrate: Annotated[bool, typer.Option(help="Bring the database up to date first.")] = True,
) -> None:
    """Do background jobs, and nothing else, with the PostgreSQL and Redis of DATABASE_URL and REDIS_URL.

    Each server does them too, unless FOLKMOOT_JOBS_CONCURRENCY=0 is set there.
    """
    from folkmoot import commands

    def report(line: str) -> None:
        out.print(f"[dim]·[/dim] {escape(line)}")

    _run(commands.work_on_jobs(_settings("info"), migrate_first=migrate, report=report))


@cli.command()
def migrate(
    target: Annotated[str, typer.Argument(help="A revision, `head`, or `base` for nothing at all.")] = HEAD,
    yes: Annotated[bool, typer.Option("--yes", help="Go down, and lose what only the newer schema holds.")] = False,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL of the way there instead.")] = False,
    start: Annotated[str, typer.Option("--from", help="With --sql: the revision to start from.")] = "base",
    or_newer: Annotated[
        bool, typer.Option("--or-newer", help="Leave a database as it is that a newer Folkmoot has taken further.")
    ] = False,
    data: Data = None,
) -> None:
    """Take the database to another revision of its schema, up or down.

    `folkmoot migrate` brings it up to date, and nothing is lost. The way down removes what only the newer schema holds,
    and `folkmoot migrate base` removes everything, with all data: so it takes --yes. Stop the server before.

    Each version runs on the schema of the next one too. So whoever goes back by one version starts the older one with
    `folkmoot migrate --or-newer` and then `folkmoot serve --no-migrate`.
    """
    if sql:
        from folkmoot.migrations.run import offline_sql

        sys.stdout.write(offline_sql(start, target))
        return
    from folkmoot import commands

    settings = _settings("warning", data=data)
    before, after = _run(commands.migrate_to(settings, target, lose_data=yes, or_newer=or_newer))
    out.print(f"The database was at {before}, and is at {after}.")


@cli.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="[default: folkmoot-DATE-TIME.backup]", show_default=False)
    ] = None,
    data: Data = None,
) -> None:
    """Write everything to a file: accounts, rooms, messages, settings of hooks. Nobody has to stop talking for it.

    The file holds hashes of passwords and secrets of webhooks: keep it as safe as the database.
    """
    from folkmoot import commands

    target = file or Path(f"folkmoot-{datetime.now(UTC):%Y%m%d-%H%M%S}.backup")
    size = _run(commands.back_up(_settings("warning", data=data), target))
    out.print(f"Wrote {target}: {size / 1e6:.1f} MB.", markup=False, soft_wrap=True)


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `folkmoot backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace everything that is in the database now.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read all of the file, and change nothing.")] = False,
    data: Data = None,
) -> None:
    """Put a backup back. What is in the database now is gone then, so it takes --yes; stop the servers before.

    Everybody signs in again, and pages that saw more than the backup holds load anew. Access tokens hold as they did
    when the backup was made: end those again that were ended since. When it fails, nothing is changed.
    """
    from folkmoot import backups, commands

    if check:
        _run(backups.read_whole(file))
        out.print(f"All of {file} can be read.", markup=False, soft_wrap=True)
        return
    if not yes:
        raise CommandFailed("This replaces everything that is in the database now. Make a backup of it, and say --yes.")
    _run(commands.put_back(_settings("warning", data=data), file))
    out.print(f"Restored {file}. Everybody signs in again.", markup=False, soft_wrap=True)


@user.command("add")
def user_add(
    email: str,
    name: Annotated[str, typer.Option(help="How others see them. [default: the part before the @]")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="May manage accounts.")] = False,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and show it once.")] = False,
    data: Data = None,
) -> None:
    """Add an account. The password is asked for, read from a pipe, or made with --generate."""
    from folkmoot import commands

    password = commands.new_password() if generate else _ask_password()
    account = _run(
        commands.add_user(
            _settings("warning", data=data), email, name or email.partition("@")[0], password, admin=admin
        )
    )
    out.print(f"Added {account.name} <{account.email}> as {account.role}.", markup=False, soft_wrap=True)
    if generate:
        out.print(f"Password (shown only now): {password}", markup=False, soft_wrap=True)


@user.command("list")
def user_list(data: Data = None) -> None:
    """List all accounts."""
    from folkmoot import commands

    table = Table("id", "email", "name", "role", "since", "state", box=None, pad_edge=False)
    for account in _run(commands.list_users(_settings("warning", data=data))):
        state = "disabled" if account.disabled else "active"
        table.add_row(
            str(account.id),
            escape(account.email),
            escape(account.name),
            account.role,
            f"{account.created_at:%Y-%m-%d}",
            state,
        )
    out.print(table)


@user.command("password")
def user_password(
    email: str,
    generate: Annotated[bool, typer.Option("--generate", help="Make a password and show it once.")] = False,
    data: Data = None,
) -> None:
    """Give an account a new password. It is signed out everywhere, and its second factor stays."""
    from folkmoot import commands

    password = commands.new_password() if generate else _ask_password()
    _run(commands.set_password(_settings("warning", data=data), email, password))
    out.print(f"{email} has a new password, and is signed out everywhere.", markup=False, soft_wrap=True)
    if generate:
        out.print(f"Password (shown only now): {password}", markup=False, soft_wrap=True)


@user.command("reset-second-factor")
def user_reset_second_factor(email: str, data: Data = None) -> None:
    """Forget the second factor of somebody who lost it. They are signed out everywhere, and their tokens end.

    Be sure that it is they who ask: afterwards their password alone lets in.
    """
    from folkmoot import commands

    had_one = _run(commands.reset_second_factor(_settings("warning", data=data), email))
    says = "has no second factor any more, and is signed out everywhere" if had_one else "has no second factor"
    out.print(f"{email} {says}.", markup=False, soft_wrap=True)


@user.command("enable")
def user_enable(email: str, data: Data = None) -> None:
    """Open a disabled account again."""
    from folkmoot import commands

    _run(commands.enable_user(_settings("warning", data=data), email))
    out.print(f"{email} is enabled.", markup=False, soft_wrap=True)


@user.command("disable")
def user_disable(email: str, data: Data = None) -> None:
    """Shut an account: it is signed out everywhere at once, and what it wrote stays."""
    from folkmoot import commands

    _run(commands.disable_user(_settings("warning", data=data), email))
    out.print(f"{email} is disabled.", markup=False, soft_wrap=True)


@bot.command("add")
def bot_add(
    name: Annotated[str, typer.Argument(help="How others see it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What its token may do: a module, an action, or all; may be given again. [default: all]"),
    ] = None,
    days: Annotated[int, typer.Option(help="How long its token holds.")] = 90,
    data: Data = None,
) -> None:
    """Add a bot, and show its token once. A member of a room takes it in as they do people."""
    from folkmoot import commands

    made, token = _run(commands.add_bot(_settings("warning", data=data), name, scope or ["all"], days))
    out.print(f"Added the bot {made.name}.", markup=False, soft_wrap=True)
    out.print(f"Token (shown only now): {token.token}", markup=False, soft_wrap=True)


@cli.command()
def doctor(data: Data = None) -> None:
    """Check settings, database, Redis, disk and clock, and say what to do about what is wrong."""
    from folkmoot.doctor import examine

    findings = _run(examine(_settings("error", data=data)))
    for finding in findings:
        mark = "[green]✓[/green]" if finding.ok else "[red]✗[/red]"
        out.print(f"{mark} [bold]{finding.name}[/bold]  {escape(finding.says)}", soft_wrap=True)
        if finding.advice and not finding.ok:
            out.print(f"  {escape(finding.advice)}", soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@services.command("check")
def services_check() -> None:
    """Read the file of FOLKMOOT_SERVICES, and look whether each service in it is well.

    Ends with 1 when the file is wrong or a service is not well. Each is asked once, with its own time-outs.
    """
    from folkmoot.services.check import check_file

    looks = _run(check_file(_settings("warning").services))
    table = Table("service", "address", "health", "time", "breaker", box=None, pad_edge=False)
    for look in looks:
        mark = "[green]✓[/green]" if look.health.ok else "[red]✗[/red]"
        health = f"{mark} {escape(look.health.says)}"
        table.add_row(look.name, escape(look.address), health, f"{look.health.seconds * 1000:.0f} ms", look.breaker)
    out.print(table)
    if not all(look.health.ok for look in looks):
        raise typer.Exit(1)


@cli.command()
def version() -> None:
    """Print the version."""
    out.print(f"Folkmoot {__version__}")


@cli.command(hidden=True)
def openapi() -> None:
    """Print the OpenAPI document, from which the site's types are made."""
    from folkmoot.http.openapi import describe
    from folkmoot.modules import BUILT_IN
    from folkmoot.routes import load_routes

    sys.stdout.write(json.dumps(describe(load_routes(BUILT_IN)), indent=2, sort_keys=True) + "\n")


def _settings(log_level: str, **given: object) -> Settings:
    """The settings, with what the command line says instead. `log_level` is the default of this command."""
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    level = settings.log_level if "log_level" in settings.model_fields_set else log_level
    configure_logs(settings, level)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    take_all()
    return uvloop.run(work)


def _greet(address: str, sign_in: tuple[str, str] | None) -> None:
    out.print(f"\n  [bold]Folkmoot is at {escape(address)}[/bold]\n")
    if sign_in is not None:
        email, password = sign_in
        out.print(f"  Sign in as  {email}", markup=False)
        out.print(f"  Password    {password}", markup=False)
        another = escape(f"{_program()} user password {email} --generate")
        out.print(f"  [dim]Shown only this once. Another one: {another}[/dim]\n", soft_wrap=True)
    out.print("  [dim]Ctrl-C stops it.[/dim]")


def _program() -> str:
    """How this program is called here: a checkout has it in its own environment."""
    if shutil.which("folkmoot"):
        return "folkmoot"
    return os.path.relpath(Path(sys.executable).parent / "folkmoot")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
