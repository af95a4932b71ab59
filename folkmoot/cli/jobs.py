"""`folkmoot jobs`: background jobs."""

from typing import Annotated

import typer
from rich.markup import escape

from folkmoot.cli.terminal import Data, out, run, settings_of, table_of

jobs = typer.Typer(help="Background jobs: see what failed, try it again.", no_args_is_help=True)


@jobs.command("list")
def jobs_list(data: Data = None) -> None:
    """Show how many jobs wait and run, and those that failed with what went wrong."""
    from folkmoot import commands

    counts, failed = run(commands.list_jobs(settings_of("warning", data=data)))
    out.print(f"{counts.waiting} waiting, {counts.running} running, {counts.failed} failed, {counts.workers} workers.")
    if failed:
        table = table_of("id", "job", "attempts", "failed", "error")
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

    retried = run(commands.retry_jobs(settings_of("warning", data=data), job_id))
    out.print(f"{retried} started afresh.")
