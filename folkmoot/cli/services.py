"""`folkmoot services`: the services that actions and slash commands call."""

import typer
from rich.markup import escape

from folkmoot.cli.terminal import out, run, settings_of, table_of

services = typer.Typer(help="The services that actions and slash commands call.", no_args_is_help=True)


@services.command("check")
def services_check() -> None:
    """Read the file of FOLKMOOT_SERVICES, and look whether each service in it is well.

    Ends with 1 when the file is wrong or a service is not well. Each is asked once, with its own time-outs.
    """
    from folkmoot.services.check import check_file

    looks = run(check_file(settings_of("warning").services))
    table = table_of("service", "address", "health", "time", "breaker")
    for look in looks:
        mark = "[green]✓[/green]" if look.health.ok else "[red]✗[/red]"
        health = f"{mark} {escape(look.health.says)}"
        table.add_row(look.name, escape(look.address), health, f"{look.health.seconds * 1000:.0f} ms", look.breaker)
    out.print(table)
    if not all(look.health.ok for look in looks):
        raise typer.Exit(1)
