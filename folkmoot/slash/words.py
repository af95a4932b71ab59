"""From what was typed to the input of an action, and back to a line that says how to type it. Pure."""

import re
from typing import Any, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from folkmoot.actions import Written

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
TYPED = re.compile(r"/([A-Za-z][A-Za-z0-9_-]{0,31})(?:\s+(.*))?", re.DOTALL)
# A word, or several between quotes; telephones put typographic ones. A quote that never closes is part of its word.
WORD = re.compile(r'(?:"(?P<straight>[^"]*)"|“(?P<curly>[^”]*)”|(?P<plain>\S+))(?=\s|$)|(?P<odd>\S+)')

GIVEN = frozenset({"room_id", "client_id"})  # fields that where and when it was typed fill in


def read_command(text: str) -> tuple[str, str] | None:
    """The name of the command in small letters, and what stands after it; None for text that is no command."""
    found = TYPED.fullmatch(text.strip())
    return (found[1].lower(), (found[2] or "").strip()) if found else None


def input_of(takes: type[BaseModel], rest: str) -> dict[str, object]:
    """The fields in their order take a word each. The last one takes the rest as it stands, or all words as a list."""
    fields = typed_fields(takes)
    given: dict[str, object] = {}
    for number, (name, field) in enumerate(fields, start=1):
        if not rest:
            break
        if get_origin(field.annotation) is list:
            given[name], rest = [Written(word) for word in split(rest)], ""
        elif number == len(fields):
            given[name], rest = Written(_unquoted(rest)), ""
        else:
            word, rest = _first_word(rest)
            given[name] = Written(word)
    if rest and not fields:
        given["words"] = rest  # which the schema does not know, and says so
    return given


def split(text: str) -> list[str]:
    words = []
    while text:
        word, text = _first_word(text)
        words.append(word)
    return words


def usage(name: str, takes: type[BaseModel]) -> str:
    """How to type it: `/roll SIDES [TIMES]`."""
    return " ".join([f"/{name}", *(_shown(field_name, field) for field_name, field in typed_fields(takes))])


def typed_fields(takes: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """The fields that words fill, in the order of the schema."""
    return [(name, field) for name, field in takes.model_fields.items() if name not in GIVEN]


def _shown(name: str, field: FieldInfo) -> str:
    shown = name.upper() + ("…" if get_origin(field.annotation) is list else "")
    return shown if field.is_required() else f"[{shown}]"


def _first_word(text: str) -> tuple[str, str]:
    """The first word of a text that does not begin with a blank, without its quotes; and what follows it."""
    found = WORD.match(text)
    if found is None:
        return text, ""
    word = next(part for part in found.groups() if part is not None)
    return word, text[found.end() :].lstrip()


def _unquoted(text: str) -> str:
    """Quotes around all of it were typed to hold it together."""
    found = WORD.fullmatch(text)
    quoted: Any = found and next((part for part in (found["straight"], found["curly"]) if part is not None), None)
    return text if quoted is None else str(quoted)
