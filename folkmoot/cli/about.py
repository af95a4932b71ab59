"""`folkmoot version` and `openapi`: what this Folkmoot is, for people and for programs."""

import json
import sys

from folkmoot import __version__
from folkmoot.cli.terminal import out


def version() -> None:
    """Print the version."""
    out.print(f"Folkmoot {__version__}")


def openapi() -> None:
    """Print the OpenAPI document, from which the site's types are made."""
    from folkmoot.http.openapi import describe
    from folkmoot.modules import BUILT_IN
    from folkmoot.routes import load_routes

    sys.stdout.write(json.dumps(describe(load_routes(BUILT_IN)), indent=2, sort_keys=True) + "\n")
