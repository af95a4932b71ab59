"""SQL with named parameters, and names of tables and columns, made into what PostgreSQL takes.

Values never become part of a statement: `:name` becomes `$1`, and the value is sent beside it.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

LONGEST_NAME_BYTES = 63  # PostgreSQL would cut off the rest, and mean another name

# What may hold a colon that begins no parameter is taken whole, and left as it is.
PART = re.compile(
    r"""
      (?P<kept> (?<![A-Za-z0-9_\x80-\U0010ffff]) [eE]'(?:[^'\\]|\\.|'')*'        # E'..' knows backslashes
              | '(?:[^']|'')*'
              | "(?:[^"]|"")*"
              | (?<![A-Za-z0-9_$\x80-\U0010ffff])
                \$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?)\$ .*? \$(?P=tag)\$
              | --[^\r\n]*
              | ::|:=
      )
    | (?P<comment> /\*)
    | (?P<numbered> (?<![A-Za-z0-9_$\x80-\U0010ffff]) \$[0-9]+)
    | (?P<open> ['"])
    | : (?P<name> [A-Za-z_][A-Za-z0-9_]*)
    """,
    re.VERBOSE | re.DOTALL,
)
EDGE = re.compile(r"/\*|\*/")


class BadStatement(Exception):
    """A statement or a name that cannot be used: a mistake of the program, not of who calls it."""


@lru_cache(maxsize=1024)
def compiled(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with numbers, and the names of its parameters in their order. Raises BadStatement."""
    names: dict[str, int] = {}
    parts: list[str] = []
    done = 0
    while found := PART.search(sql, done):
        parts.append(sql[done : found.start()])
        done = found.end()
        if found["comment"]:
            done = _end_of_comment(sql, found.start())
        elif found["open"]:
            raise BadStatement(f"A {found['open']} is not closed in: {sql[:200]}")
        elif found["numbered"]:
            raise BadStatement(f"Write :name instead of {found['numbered']} in: {sql[:200]}")
        name = found["name"]
        parts.append(f"${names.setdefault(name, len(names) + 1)}" if name else sql[found.start() : done])
    return "".join([*parts, sql[done:]]), tuple(names)


def arguments(sql: str, names: tuple[str, ...], given: Mapping[str, object]) -> list[object]:
    """The values in the order of the names. Raises BadStatement unless each name is given, and no other."""
    missing, unused = sorted(set(names) - given.keys()), sorted(given.keys() - set(names))
    if missing or unused:
        wrong = [f"no value for :{name}" for name in missing] + [f"no :{name} for its value" for name in unused]
        raise BadStatement(f"There is {' and '.join(wrong)} in: {sql[:200]}")
    return [given[name] for name in names]


def quoted_table(name: str) -> str:
    """`table` or `schema.table`, quoted: it is exactly that name, capitals and all. Raises BadStatement."""
    parts = name.split(".")
    if len(parts) > 2:
        raise BadStatement(f"{name[:100]!r} is neither a table nor schema.table.")
    return ".".join(quoted(part) for part in parts)


def quoted(name: str) -> str:
    """A name of a table or column, quoted. Raises BadStatement."""
    if not name or "\x00" in name or len(name.encode("utf-8", "replace")) > LONGEST_NAME_BYTES:
        raise BadStatement(f"{name[:100]!r} cannot be a name: it must have 1 to {LONGEST_NAME_BYTES} bytes.")
    return '"' + name.replace('"', '""') + '"'


def _end_of_comment(sql: str, start: int) -> int:
    """Where a comment ends. PostgreSQL's may hold others."""
    depth, at = 0, start
    while edge := EDGE.search(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        at = edge.end()
        if depth == 0:
            return at
    raise BadStatement(f"A comment is not closed in: {sql[:200]}")
