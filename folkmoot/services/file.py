"""Reads the file of services. Every mistake in it is named at once, each with its line."""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from folkmoot.services.credentials import NoSecret, header_of
from folkmoot.services.nodes import Nodes, Place, named
from folkmoot.services.schema import Basic, CommandEntry, Credentials, SecretHeader, SecretPlace, ServiceEntry
from folkmoot.settings import BadSettings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MODELS = (ServiceEntry, CommandEntry, Credentials, Basic, SecretHeader, SecretPlace)
KEYS = [key for model in MODELS for key in model.model_fields]
SECRETS = frozenset({"bearer", "password", "value"})

SENTENCES = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number with an end",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
}


class BadServices(BadSettings):
    """The file of services cannot be used; the message has a line for each mistake."""


@dataclass(frozen=True, slots=True)
class Described:
    """A service as the operator described it, and what is sent with each request: that may hold a secret."""

    name: str
    entry: ServiceEntry
    headers: Mapping[str, str] = field(repr=False)


def read_services(path: Path) -> tuple[Described, ...]:
    """The services of the file, in its order. Raises BadServices."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadServices(f"FOLKMOOT_SERVICES: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadServices(f"FOLKMOOT_SERVICES: {path} is not text in UTF-8") from None
    nodes = Nodes(text)
    environment = {name: value for name, value in {**dotenv_values(".env"), **os.environ}.items() if value}
    mistakes = set(nodes.mistakes)
    services = []
    for name, given in nodes.plain.items():
        try:
            services.append(_described(name, given, environment, path.parent))
        except Mistaken as found:
            mistakes |= {(nodes.line(place), f"{named(place)} {says}") for place, says in found.mistakes}
    if mistakes:
        raise BadServices("\n".join(f"{path}:{line}: {says}" for line, says in sorted(mistakes)))
    return tuple(services)


class Mistaken(Exception):
    """What is wrong with one service: where, and a sentence for each."""

    def __init__(self, mistakes: list[tuple[Place, str]]) -> None:
        super().__init__()
        self.mistakes = mistakes


def _described(name: str, given: object, environment: Mapping[str, str], folder: Path) -> Described:
    if not NAME.fullmatch(name):
        raise Mistaken([((name,), "must be a name: letters, digits, _ and -, at most 64")])
    try:
        entry = ServiceEntry.model_validate(given)
    except ValidationError as error:
        raise Mistaken([((name, *problem["loc"]), _sentence(problem)) for problem in error.errors()]) from None
    headers = dict(entry.headers)
    if entry.credentials:
        try:
            header, value = header_of(entry.credentials, environment, folder)
        except NoSecret as missing:
            raise Mistaken([((name, "credentials", *missing.place), str(missing))]) from None
        headers[header] = value
    return Described(name, entry, headers)


def _sentence(problem: ErrorDetails) -> str:
    """What is wrong, without the value, which may be a secret in the wrong place."""
    last = problem["loc"][-1] if problem["loc"] else ""
    if problem["type"] == "model_type" and last in SECRETS:
        return "must be {env: NAME} or {file: PATH}: a secret has no place in this file"
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(last), KEYS, n=1)
        return f"is no key that is known here{f'; is it {near[0]!r}?' if near else ''}"
    if problem["type"] in SENTENCES:
        return SENTENCES[problem["type"]].format(**problem.get("ctx", {}))
    return problem["msg"].removeprefix("Value error, ")
