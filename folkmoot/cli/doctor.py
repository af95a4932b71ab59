"""`folkmoot doctor`: what is wrong, and what to do about it."""

import typer
from rich.markup import escape

from folkmoot.cli.terminal import Data, out, run, settings_of


def doctor(data: Data = None) -> None:
    """Check settings, database, Redis, disk and clock, and say what to do about what is wrong."""
    from folkmoot.doctor import examine

    findings = run(examine(settings_of("error", data=data)))
    for finding in findings:
        mark = "[red]✗[/red]" if not finding.ok else "[yellow]![/yellow]" if finding.advice else "[green]✓[/green]"
        out.print(f"{mark} [bold]{finding.name}[/bold]  {escape(finding.says)}", soft_wrap=True)
        if finding.advice:
            out.print(f"  {escape(finding.advice)}", soft_wrap=True)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
