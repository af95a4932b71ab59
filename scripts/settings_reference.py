"""Writes docs/reference/settings.md from the table in folkmoot/settings.py."""

import re
import sys
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from folkmoot.settings import Settings  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "settings.md"
SOURCE = ROOT / "folkmoot" / "settings.py"

HEAD = """# Settings

Every setting is an environment variable; a file `.env` in the working directory is read too, and the environment wins.
An empty variable is one that is not set. A **secret** may also come from a file: set its name with `_FILE` at the end
to the path. Settings are read once and checked at start; one that cannot be used is named, and nothing starts.

This page is written by `scripts/settings_reference.py` from `folkmoot/settings.py`.
"""


def page() -> str:
    """The whole page."""
    parts = []
    for title, names in _groups():
        rows = [_row(name, Settings.model_fields[name]) for name in names]
        parts.append(
            "\n".join(
                [f"## {title}\n", "| variable | takes | default | what it is |", "| --- | --- | --- | --- |", *rows]
            )
        )
    return "\n\n".join([HEAD.rstrip(), *parts]) + "\n"


def _groups() -> list[tuple[str, list[str]]]:
    """The headings of the table, and the names under each: the comments of the source."""
    body = SOURCE.read_text().partition("class Settings(")[2].partition("    @field_validator")[0]
    _, *parts = re.split(r"^    # (.+)$", body, flags=re.MULTILINE)
    return [
        (title, re.findall(r"^    (\w+): ", text, flags=re.MULTILINE))
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{variable(name, field)}` | {_takes(field)} | {_default(field)} | {field.description or ''} |"


def variable(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or name.upper())


def _takes(field: FieldInfo) -> str:
    kinds = {
        int: "integer",
        float: "number",
        bool: "`true` or `false`",
        str: "text",
        Path: "path",
        SecretStr: "**secret**",
    }
    annotation: Any = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (kind for kind in get_args(annotation) if kind is not type(None))
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(annotation))
    least = [f"at least {bound.ge}" for bound in field.metadata if getattr(bound, "ge", None) is not None]
    least += [f"more than {bound.gt}" for bound in field.metadata if getattr(bound, "gt", None) is not None]
    return ", ".join([kinds.get(annotation, "list, with commas"), *least])


def _default(field: FieldInfo) -> str:
    default = field.default
    if isinstance(default, SecretStr) or default in ("", None, ()):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
