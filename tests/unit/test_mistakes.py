"""Every mistake that an input can have is said in our own words."""

from collections.abc import Iterator
from typing import Any

import pytest

from folkmoot.actions import Registry
from folkmoot.actions.mistakes import MESSAGES, MOMENT
from folkmoot.errors import Invalid
from folkmoot.json import BadJson, decode, encode
from folkmoot.modules import BUILT_IN

ACTIONS = Registry(BUILT_IN).actions

# What each part of a schema may refuse, by the names that pydantic gives it, and what each bound adds.
REFUSES: dict[str, set[str]] = {
    "any": set(),
    "datetime": {"datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"},
    "default": set(),
    "dict": {"dict_type"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "int": {"int_type", "int_parsing", "int_from_float"},
    "list": {"list_type"},
    "literal": {"literal_error"},
    "model": set(),  # `Action.parse` takes no input that is not an object
    "model-field": {"missing"},
    "model-fields": {"extra_forbidden"},
    "no-info": set(),
    "nullable": set(),
    "str": {"string_type", "string_unicode"},
    "uuid": {"uuid_type", "uuid_parsing"},
}
BOUNDS = {
    ("int", "ge"): "greater_than_equal",
    ("int", "le"): "less_than_equal",
    ("str", "min_length"): "string_too_short",
    ("str", "max_length"): "string_too_long",
    ("str", "pattern"): "string_pattern_mismatch",
    ("list", "min_length"): "too_short",
    ("list", "max_length"): "too_long",
    ("datetime", "tz_constraint"): "timezone_aware",
}
NO_BOUNDS = {"gt", "lt", "multiple_of", "now_op"}  # in use nowhere


def parts(schema: object) -> Iterator[dict[str, Any]]:
    """Every part of a schema that has a type."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for inner in schema.values():
            yield from parts(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from parts(inner)


def possible() -> set[str]:
    kinds: set[str] = set()
    for action in ACTIONS.values():
        for part in parts(action.takes.__pydantic_core_schema__):
            kinds |= REFUSES[part["type"]]
            kinds |= {kind for (of, bound), kind in BOUNDS.items() if of == part["type"] and bound in part}
            assert not NO_BOUNDS & part.keys(), part
    return kinds - {"value_error"}  # which says what our own functions say


def test_each_kind_of_mistake_that_an_input_can_have_has_words_of_ours() -> None:
    assert possible() == set(MESSAGES)


@pytest.mark.parametrize(
    ("method", "given", "field", "says"),
    [
        ("rooms.create", {"name": "A", "visibility": "secret"}, "visibility", "Must be 'open' or 'private'."),
        ("messages.send", {"client_id": "x"}, "client_id", "Not a valid UUID."),
        ("messages.send", {"client_id": 5}, "client_id", "Not a valid UUID."),
        ("messages.send", {"room_id": 0}, "room_id", "At least 1."),
        ("messages.send", {"room_id": 2**63}, "room_id", f"At most {2**63 - 1}."),
        ("messages.send", {"room_id": 1.5}, "room_id", "Not a valid integer."),
        ("messages.send", {"room_id": True}, "room_id", "Not a valid integer."),
        ("messages.send", {"body": []}, "body", "Not a valid string."),
        ("messages.send", {}, "body", "Missing data for required field."),
        ("tokens.issue", {"scopes": "all"}, "scopes", "Not a list."),
        ("tokens.issue", {"scopes": []}, "scopes", "Fewer than 1 items."),
        ("tokens.issue", {"scopes": ["all"] * 51}, "scopes", "More than 50 items."),
        ("tokens.issue", {"scopes": ["{0}"]}, "scopes.0", "Must match ^[a-z][a-z0-9_.]*$"),
        ("incoming.post", {"payload": []}, "payload", "Not an object."),
        ("audit.entries", {"since": "2026-11-21T25:00:00Z"}, "since", MOMENT),
        ("audit.entries", {"since": "2026-11-21T17:00:00"}, "since", MOMENT),
        ("audit.entries", {"since": "2026-11-21"}, "since", MOMENT),
        ("audit.entries", {"since": []}, "since", MOMENT),
        ("audit.entries", {"since": "{what}T"}, "since", MOMENT),
    ],
)
def test_what_is_said(method: str, given: dict[str, object], field: str, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ACTIONS[method].parse(given)
    assert refusal.value.fields[field] == [says]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"{", "is not JSON."),
        (b"[NaN]", "is not JSON."),
        (b'"\x01"', "is not JSON."),
        (b"\xef\xbb\xbf{}", "is not JSON."),
        (b'"\\ud800', "is not JSON."),
        (b'"\\ud800"', "holds half of a character, as \\ud800 is."),
        (b'{"a":"\\udc00 and more of it"}', "holds half of a character, as \\ud800 is."),
        (b'"\xff"', "is not UTF-8."),
        (b"1e999", "holds a number that is out of range."),
        (b"1" + b"0" * 5000, "holds a number that is out of range."),
        (b"[" * 100_000, "is nested too deeply."),
    ],
)
def test_json_that_cannot_be_read_is_told_from_what_is_none(given: bytes, says: str) -> None:
    with pytest.raises(BadJson) as refusal:
        decode(given)
    assert str(refusal.value) == says


def test_a_whole_character_of_two_halves_is_read() -> None:
    assert decode(encode("\U0001f600")) == decode(b'"\\ud83d\\ude00"') == "\U0001f600"
