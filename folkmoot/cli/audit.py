"""`folkmoot audit`: who did what, at a terminal."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from folkmoot.cli.terminal import Data, out, run, settings_of

if TYPE_CHECKING:
    from folkmoot.modules.audit.schemas import AuditEntry

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

    To go on, begin before the last one shown: `--until` takes its time.
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
    table = Table("when", "who", "what", "to", "outcome", "from", box=None, pad_edge=False)
    for entry in found:
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M:%S}", *map(escape, _cells(entry)))
    out.print(table)


def _cells(entry: "AuditEntry") -> tuple[str, ...]:
    """What a line shows. All of it has been cleaned of what a terminal could take for a command."""
    whom = entry.target_name or (f"{entry.target_kind} {entry.target_id}" if entry.target_kind else "")
    outcome = entry.reason or entry.outcome
    times = f" ({entry.times} times)" if entry.times > 1 else ""
    return entry.actor_name or entry.role, entry.action, whom, outcome + times, entry.address or ""


def _in_utc(given: datetime | None) -> datetime | None:
    return given and given.replace(tzinfo=UTC)
