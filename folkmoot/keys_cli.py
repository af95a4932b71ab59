"""`folkmoot keys` and `folkmoot totp`: the keys that lock secrets, and codes of a second factor."""

import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

keys = typer.Typer(help="Keys that lock secrets in the database: make one, change over to it.", no_args_is_help=True)

out = Console(highlight=False)

Data = Annotated[Path | None, typer.Option(help="Folder of the databases. [default: FOLKMOOT_DATA or .data]")]


@keys.command("new")
def new() -> None:
    """Print a new key, as it stands in FOLKMOOT_KEYS or in the file of FOLKMOOT_KEYS_FILE."""
    from folkmoot.keys import new_key

    sys.stdout.write(f"{new_key()}\n")


@keys.command("rotate")
def rotate(
    data: Annotated[
        Path | None, typer.Option(help="Folder of the databases. [default: FOLKMOOT_DATA or .data]")
    ] = None,
) -> None:
    """Lock all secrets anew with the first key of FOLKMOOT_KEYS. Then the others can be taken out.

    Servers may run meanwhile, as long as all of them know both keys.
    """
    from folkmoot import commands
    from folkmoot.settings import load_settings
    from folkmoot.telemetry.logs import configure_logs

    settings = load_settings(**({} if data is None else {"data": data}))
    configure_logs(settings, "warning")
    moved, key_id = uvloop.run(commands.lock_secrets_anew(settings))
    out.print(f"{moved} locked anew. Everything is locked with the key {key_id}.", markup=False, soft_wrap=True)


def totp(
    once: Annotated[bool, typer.Option("--once", help="Print the code of now, and end.")] = False,
) -> None:
    """Print the code of an authenticator app, and each new one once, until Ctrl-C.

    The secret is the one that was shown when two-step sign-in was turned on: its letters, or the otpauth:// address.
    It is asked for, or read from a pipe, and never an argument, which others on this machine could see.
    """
    from folkmoot.authenticator import codes_from_now, read_secret

    asked = sys.stdin.isatty()
    given = str(typer.prompt("Secret", hide_input=True)) if asked else sys.stdin.readline()
    try:
        for code in codes_from_now(read_secret(given)):
            print(code, flush=True)
            if once:
                return
    except KeyboardInterrupt:
        return
