"""Paths below a service's address, from which none leads out."""

import re
from string import Formatter
from urllib.parse import quote, unquote

from folkmoot.errors import Invalid

# What RFC 3986 allows in a path. Everything else is written as %XX by whoever makes the path.
ALLOWED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")


class UnsafePath(Invalid):
    """The path, or what was to become a part of it, could lead elsewhere than below the address of the service."""

    def __init__(self, says: str) -> None:
        self.says = says
        super().__init__(f"This cannot be in the path of a service: it {says}.")


def safe_path(path: str) -> str:
    """The path as it is. Raises UnsafePath when it is none, or when somebody on the way could read another out of it.

    Proxies decode %2F and resolve `..`, some of them twice, so a part must be harmless however often it is decoded.
    """
    if not path.startswith("/") or path.startswith("//"):
        raise UnsafePath("must be a path that starts with one /")
    if not ALLOWED.fullmatch(path):
        raise UnsafePath("must hold only what a path may: other characters as %XX, and no ?, # or \\")
    for part in path.split("/"):
        plain = _decoded(part)
        if plain in (".", "..") or "/" in plain or "\\" in plain or "\x00" in plain:
            raise UnsafePath("must not lead to another folder")
    return path


def fill(template: str, **values: str) -> str:
    """`fill("/hello/{username}", username="Zoë")` gives `/hello/Zo%C3%AB`.

    Each value becomes one part of the path, or a piece of one. Raises UnsafePath for a value that cannot be.
    """
    names = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    path = template
    for name in names:
        path = path.replace(f"{{{name}}}", _part(values[name]))
    return safe_path(path)


def _part(value: str) -> str:
    if not value:
        raise UnsafePath("must not be empty")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        raise UnsafePath("must not hold half of a character") from None


def _decoded(part: str) -> str:
    while (plain := unquote(part)) != part:
        part = plain
    return part
