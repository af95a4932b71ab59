"""`folkmoot audit`: who did what, at a terminal."""

import sys
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from folkmoot.cli.terminal import Data, out, run, settings_of

if TYPE_CHECKING:
    from folkmoot.modules.audit.schemas import AuditEntry

ACTION = 28  # how wide the names of actions may be together; those of a module of one's own may be longer
USUAL = 80  # columns of a terminal, in which the name of an action stays in one piece

Moment = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="In UTC.")]


def audit(
    who: Annotated[str | None, typer.Option(help="The email address of an account, or `operator`.")] = None,
    what: Annotated[str | None, typer.Option(help="An action, as accounts.disable, or a module, as accounts.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="Only what was refused.")] = False,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON lines, with everything that is known.")] = False,
    data: Data = None,
) -> None:
    """Show who did what to whom, the newest first: sign-ins, changes to accounts, tokens and hooks, refusals.

    To go on, begin before the last one shown: `--until` takes its day and time, as 2026-11-21T17:00:00.
    """
    from folkmoot import commands
    from folkmoot.json import encode

    wanted = {
        "what": what,
        "outcome": "refused" if refused else None,
        "since": _in_utc(since),
        "until": _in_utc(until),
        "limit": limit,
    }
    found = run(commands.list_audit(settings_of("warning", data=data), who, wanted))
    if as_json:
        sys.stdout.writelines(f"{encode(entry).decode()}\n" for entry in found)
        return
    if not found:
        asked = any((who, what, refused, since, until))
        out.print("No entry of the audit log is like that." if asked else "The audit log is empty.")
        return
    out.print(table_of_entries(found, out.width))


def table_of_entries(found: "list[AuditEntry]", columns: int) -> Table:
    """One line for each entry below a line for each day. Where the terminal is narrow, lines wrap: nothing is cut."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("when", width=len("2026-11-21"), overflow="fold")
    table.add_column("who", overflow="fold")
    widest = min(ACTION, max(len(entry.action) for entry in found))
    table.add_column("what", width=widest if columns >= USUAL else None, overflow="fold")
    for name in ("to", "outcome", "from"):
        table.add_column(name, overflow="fold")
    for day, entries in groupby(found, lambda entry: f"{entry.at:%Y-%m-%d}"):
        table.add_row(day)
        for entry in entries:
            table.add_row(f"  {entry.at:%H:%M:%S}", *map(escape, _cells(entry)))
    return table


def _cells(entry: "AuditEntry") -> tuple[str, ...]:
    """What a line shows. All of it has been cleaned of what a terminal could take for a command."""
    whom = entry.target_name or (f"{entry.target_kind} {entry.target_id}" if entry.target_kind else "")
    outcome = entry.reason or entry.outcome
    times = f" ({entry.times} times)" if entry.times > 1 else ""
    return entry.actor_name or entry.role, entry.action, whom, outcome + times, entry.address or ""


def _in_utc(given: datetime | None) -> datetime | None:
    return given and given.replace(tzinfo=UTC)
