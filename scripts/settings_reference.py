"""Writes docs/reference/settings.md from the parts in folkmoot/settings/."""

import sys
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from folkmoot.settings import (  # noqa: E402
    admin,
    audit,
    budgets,
    commands,
    database,
    grpc,
    hooks,
    http,
    installation,
    jobs,
    mail,
    modules,
    redis,
    resets,
    rooms,
    server,
    services,
    sign_in,
    socket,
    telemetry,
    webhooks,
)
from folkmoot.settings.environment import variable  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "settings.md"

HEADINGS: tuple[tuple[str, tuple[type[BaseModel], ...]], ...] = (
    ("Where it runs", (installation.Installation, telemetry.Telemetry, server.Server)),
    ("PostgreSQL and Redis", (database.Database, redis.Redis)),
    ("Modules of your own, and their databases", (modules.Modules,)),
    ("The first admin", (admin.FirstAdmin,)),
    ("HTTP", (http.Http,)),
    ("Sessions and sign-in", (sign_in.SignIn,)),
    ("E-mail, and forgotten passwords", (mail.Mail, resets.Resets)),
    ("What one person may ask", (budgets.Budgets,)),
    ("The socket", (socket.Socket,)),
    ("gRPC", (grpc.Grpc,)),
    ("Rooms and their logs", (rooms.Rooms,)),
    ("Services that actions and slash commands call", (services.Services,)),
    ("Incoming hooks", (hooks.Hooks,)),
    ("Slash commands", (commands.Commands,)),
    ("Background jobs", (jobs.Jobs,)),
    ("The audit log", (audit.Audit,)),
    ("Outgoing webhooks", (webhooks.Webhooks,)),
)

HEAD = """# Settings

Every setting is an environment variable; a file `.env` in the working directory is read too, and the environment wins.
An empty variable is one that is not set. A **secret** may also come from a file: set its name with `_FILE` at the end
to the path. Settings are read once and checked at start; one that cannot be used is named, and nothing starts.

This page is written by `scripts/settings_reference.py` from the files of `folkmoot/settings/`.
"""


def page() -> str:
    """The whole page."""
    parts = []
    for title, classes in HEADINGS:
        rows = [_row(name, field) for part in classes for name, field in part.model_fields.items()]
        parts.append(
            "\n".join(
                [f"## {title}\n", "| variable | takes | default | what it is |", "| --- | --- | --- | --- |", *rows]
            )
        )
    return "\n\n".join([HEAD.rstrip(), *parts]) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{variable(name, field)}` | {_takes(field)} | {_default(field)} | {field.description or ''} |"


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
