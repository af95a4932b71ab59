"""The command line: starts the product, and does by hand what an operator sometimes must.

What a command alone needs is imported in it: nobody should wait for a web server to read the help.
"""

import sys

import typer
from rich.markup import escape

from folkmoot.cli.about import openapi, version
from folkmoot.cli.audit import audit
from folkmoot.cli.bots import bot
from folkmoot.cli.database import backup, migrate, restore
from folkmoot.cli.doctor import doctor
from folkmoot.cli.jobs import jobs
from folkmoot.cli.keys import keys
from folkmoot.cli.modules import module
from folkmoot.cli.people import user
from folkmoot.cli.servers import serve, up, work
from folkmoot.cli.services import services
from folkmoot.cli.terminal import err
from folkmoot.cli.totp import totp
from folkmoot.database import NotDurable
from folkmoot.errors import CommandFailed, Error
from folkmoot.laptop import LaptopError
from folkmoot.listening import PortTaken
from folkmoot.migrations import NoSuchRevision
from folkmoot.settings import BadSettings

cli = typer.Typer(
    name="folkmoot",
    help="Folkmoot: a self-hosted team chat, and the real-time backend under it.",
    epilog="To try it on this machine: folkmoot up",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for command in (up, serve, work, migrate, backup, restore, doctor, audit, totp, version):
    cli.command()(command)
cli.command(hidden=True)(openapi)

cli.add_typer(user, name="user")
cli.add_typer(bot, name="bot")
cli.add_typer(jobs, name="jobs")
cli.add_typer(services, name="services")
cli.add_typer(module, name="module")
cli.add_typer(keys, name="keys")

EXPECTED = (LaptopError, PortTaken, BadSettings, NotDurable, NoSuchRevision, CommandFailed, Error)


def main() -> None:
    """Runs a command; what can be expected to go wrong is one sentence that says what to do."""
    try:
        cli()
    except EXPECTED as error:
        err.print(f"[red]✗[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
