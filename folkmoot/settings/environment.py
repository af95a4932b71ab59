"""How the environment gives the settings: by name, or the path of a file by `NAME_FILE`."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo


class BadSettings(Exception):
    """The settings cannot be used; the message names each variable and what it takes."""


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting."""
    return str(field.validation_alias or name).upper()


def secrets_from_files(fields: Mapping[str, FieldInfo]) -> dict[str, str]:
    """Values of the variables that a NAME_FILE names, for each secret that is not set directly. Raises BadSettings."""
    found = {}
    for name, field in fields.items():
        key = variable(name, field)
        path = os.environ.get(f"{key}_FILE")
        if field.annotation is not SecretStr or not path or os.environ.get(key):
            continue
        try:
            found[name] = Path(path).read_text().strip()
        except OSError as error:
            raise BadSettings(f"{key}_FILE: cannot read {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise BadSettings(f"{key}_FILE: {path} is not text") from None
    return found
