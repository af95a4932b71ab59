"""`folkmoot totp`: codes of a second factor."""

import sys
from typing import Annotated

import typer


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
