"""Variables that look like settings and are none: a slip of the pen, or a setting of another version."""

import os
from collections.abc import Mapping
from difflib import get_close_matches

from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from folkmoot.settings.environment import variable

OURS = "FOLKMOOT_"
OF_OTHERS = {"FOLKMOOT_BASE", "FOLKMOOT_TOKEN", "FOLKMOOT_VERSION"}  # of the stack, of deployments and of clients


def unknown_settings(fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    """The names in the environment and in `.env` that begin as ours and are none, each with the setting whose name is
    nearest, if one is near.
    """
    names = {variable(name, field) for name, field in fields.items()}
    secrets = {variable(name, field) for name, field in fields.items() if field.annotation is SecretStr}
    known = names | {f"{secret}_FILE" for secret in secrets}
    given = {name.upper() for name, value in {**dotenv_values(".env"), **os.environ}.items() if value}
    return {name: _nearest(name, known) for name in sorted(given - known - OF_OTHERS) if name.startswith(OURS)}


def _nearest(name: str, known: set[str]) -> str:
    """By what follows the beginning that all share, which would make any two alike."""
    ends = {each.removeprefix(OURS): each for each in known}
    return next((ends[end] for end in get_close_matches(name.removeprefix(OURS), ends, n=1)), "")
