"""What is wrong with an input, in our own words."""

from pydantic import ValidationError

MESSAGES = {
    "missing": "Missing data for required field.",
    "string_too_short": "Shorter than minimum length {min_length}.",
    "string_too_long": "Longer than maximum length {max_length}.",
    "string_type": "Not a valid string.",
    "string_unicode": "Must not contain NUL or half of a character.",
    "int_type": "Not a valid integer.",
    "int_parsing": "Not a valid integer.",
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
