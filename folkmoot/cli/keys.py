"""`folkmoot keys`: the keys that lock secrets."""

import sys

import typer

from folkmoot.cli.terminal import Data, out, run, settings_of

keys = typer.Typer(help="Keys that lock secrets in the database: make one, change over to it.", no_args_is_help=True)


@keys.command("new")
def new() -> None:
    """Print a new key, as it stands in FOLKMOOT_KEYS or in the file of FOLKMOOT_KEYS_FILE."""
    from folkmoot.keys import new_key

    sys.stdout.write(f"{new_key()}\n")


@keys.command("rotate")
def rotate(data: Data = None) -> None:
    """Lock all secrets anew with the first key of FOLKMOOT_KEYS. Then the others can be taken out.

    Servers may run meanwhile, as long as all of them know both keys.
    """
    from folkmoot import commands

    moved, key_id = run(commands.lock_secrets_anew(settings_of("warning", data=data)))
    out.print(f"{moved} locked anew. Everything is locked with the key {key_id}.", markup=False, soft_wrap=True)
