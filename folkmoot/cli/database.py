"""`folkmoot migrate`, `backup` and `restore`: the whole database."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from folkmoot.cli.terminal import Data, out, run, settings_of
from folkmoot.errors import CommandFailed
from folkmoot.migrations import HEAD


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

    settings = settings_of("warning", data=data)
    before, after = run(commands.migrate_to(settings, target, lose_data=yes, or_newer=or_newer))
    out.print(f"The database was at {before}, and is at {after}.")


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
    size = run(commands.back_up(settings_of("warning", data=data), target))
    out.print(f"Wrote {target}: {size / 1e6:.1f} MB.", markup=False, soft_wrap=True)


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
        run(backups.read_whole(file))
        out.print(f"All of {file} can be read.", markup=False, soft_wrap=True)
        return
    if not yes:
        raise CommandFailed("This replaces everything that is in the database now. Make a backup of it, and say --yes.")
    run(commands.put_back(settings_of("warning", data=data), file))
    out.print(f"Restored {file}. Everybody signs in again.", markup=False, soft_wrap=True)
