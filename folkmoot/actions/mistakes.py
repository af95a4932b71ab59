"""What is wrong with an input, in our own words."""

from pydantic import ValidationError

MOMENT = "Must be a date and a time as in 2026-11-21T17:00:00Z."

# All kinds that the inputs of our own actions can have: tests/unit/test_mistakes.py finds them in their schemas.
MESSAGES = {
    "missing": "Missing data for required field.",
    "string_too_short": "Shorter than minimum length {min_length}.",
    "string_too_long": "Longer than maximum length {max_length}.",
    "string_type": "Not a valid string.",
    "string_unicode": "Must not contain NUL or half of a character.",
    "string_pattern_mismatch": "Must match {pattern}",
    "int_type": "Not a valid integer.",
    "int_parsing": "Not a valid integer.",
    "int_from_float": "Not a valid integer.",
    "greater_than_equal": "At least {ge}.",
    "less_than_equal": "At most {le}.",
    "literal_error": "Must be {expected}.",
    "uuid_type": "Not a valid UUID.",
    "uuid_parsing": "Not a valid UUID.",
    "datetime_type": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "datetime_object_invalid": MOMENT,
    "timezone_aware": MOMENT,
    "list_type": "Not a list.",
    "too_short": "Fewer than {min_length} items.",
    "too_long": "More than {max_length} items.",
    "dict_type": "Not an object.",
    "extra_forbidden": "Unknown field.",
}


def messages_by_field(error: ValidationError) -> dict[str, list[str]]:
    """Every mistake of an input, as sentences under the names of its fields."""
    fields: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"]) or "input"
        ours = MESSAGES.get(problem["type"])
        # The library's own sentences may quote the input, so they are never a format.
        sentence = ours.format(**problem.get("ctx", {})) if ours else problem["msg"]
        fields.setdefault(name, []).append(sentence.removeprefix("Value error, "))
    return fields
