"""`folkmoot up`, `serve` and `work`: what runs until it is stopped."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.markup import escape

from folkmoot.cli.terminal import Data, out, report, run, settings_of
from folkmoot.settings import Settings
from folkmoot.settings.unknown import unknown_settings
from folkmoot.up import up as run_everything

log = structlog.get_logger(__name__)

Host = Annotated[str | None, typer.Option(help="Address to listen on. [default: FOLKMOOT_HOST or 127.0.0.1]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on. [default: FOLKMOOT_PORT or 8000]")]


def up(host: Host = None, port: Port = None, data: Data = None) -> None:
    """Start everything on this machine: PostgreSQL, Valkey, the server and its site.

    The first start makes a database and an admin, and shows how to sign in once. Data stays in `.data`.
    With DATABASE_URL or REDIS_URL set, those servers are used instead of own ones. Ctrl-C stops everything.
    """
    settings = settings_of("warning", host=host, port=port, data=data)
    _warn_of_unknown_settings()
    run(run_everything(settings, report=report, greet=_greet))


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

    settings = settings_of("info", host=host, port=port, workers=workers, only=only)
    _warn_of_unknown_settings()
    run(commands.serve(settings, migrate_first=migrate))


def work(
    migrate: Annotated[bool, typer.Option(help="Bring the database up to date first.")] = True,
) -> None:
    """Do background jobs, and nothing else, with the PostgreSQL and Redis of DATABASE_URL and REDIS_URL.

    Each server does them too, unless FOLKMOOT_JOBS_CONCURRENCY=0 is set there.
    """
    from folkmoot import commands

    run(commands.work_on_jobs(settings_of("info"), migrate_first=migrate, report=report))


def _warn_of_unknown_settings() -> None:
    for name, nearest in unknown_settings(Settings.model_fields).items():
        log.warning("settings.unknown", name=name, nearest=nearest or None)


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
