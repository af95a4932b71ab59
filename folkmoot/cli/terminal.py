"""What the commands have in common: where they print, how they begin, what they ask."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from folkmoot.descriptors import take_all
from folkmoot.errors import CommandFailed
from folkmoot.settings import Settings, load_settings
from folkmoot.telemetry.logs import configure_logs

T = TypeVar("T")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Data = Annotated[Path | None, typer.Option(help="Folder of the databases. [default: FOLKMOOT_DATA or .data]")]


def settings_of(log_level: str, **given: object) -> Settings:
    """The settings, with what the command line says instead. `log_level` is the default of this command."""
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    level = settings.log_level if "log_level" in settings.model_fields_set else log_level
    configure_logs(settings, level)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    take_all()
    return uvloop.run(work)


def table_of(*columns: str) -> Table:
    """A table without lines. Where the terminal is narrow, cells go on in the next line: nothing is cut."""
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def report(line: str) -> None:
    """A step that is taken, on a line of its own."""
    out.print(f"[dim]·[/dim] {escape(line)}")


def ask_password() -> str:
    """A password that somebody types, or that comes out of a pipe. Raises CommandFailed when none comes."""
    if not sys.stdin.isatty():
        if given := sys.stdin.readline().rstrip("\n"):
            return given
        raise CommandFailed("No password came on the standard input. Pipe one in, or make one with --generate.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
