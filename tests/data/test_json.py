"""The table of docs/reference/json.md, row by row: out of PostgreSQL, into JSON, and back."""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from pydantic import AwareDatetime, NaiveDatetime, create_model

from folkmoot.actions import Action, Input
from folkmoot.data.databases import Databases
from folkmoot.errors import Invalid
from folkmoot.json import Base64, encode


class Weekday(Enum):
    MONDAY = "monday"


ANNOTATIONS: dict[str, Any] = {
    "int or None": int | None, "bool": bool, "int": int, "Decimal": Decimal, "float": float, "str": str, "date": date,
    "time": time, "NaiveDatetime": NaiveDatetime, "AwareDatetime": AwareDatetime, "timedelta": timedelta, "UUID": UUID,
    "Base64": Base64, "Weekday": Weekday, "list": list[Any], "dict": dict[str, Any], "IPv4Address": IPv4Address,
    "IPv4Network": IPv4Network,
}  # fmt: skip


class Row(NamedTuple):
    kind: str
    annotation: Any
    sql: str
    json: str
    is_taken: bool


def rows() -> list[Row]:
    page = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
    found = re.findall(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \| `(.+?)` \| (yes|no) \|$", page.read_text(), re.MULTILINE)
    return [
        Row(kind, ANNOTATIONS[annotation], sql, json, taken == "yes") for kind, annotation, sql, json, taken in found
    ]


ROWS = rows()
each_row = pytest.mark.parametrize("row", ROWS, ids=[row.kind.replace("`", "") for row in ROWS])


async def value_of(databases: Databases, sql: str, **parameters: object) -> Any:
    async with databases["shop"].connection() as tables:
        row = await tables.fetch_one(f"SELECT {sql} AS it", **parameters)
    assert row is not None
    return row["it"]


def taken(row: Row) -> Any:
    """What a field of the row's annotation makes of the row's JSON."""
    model = create_model("Given", __base__=Input, it=(row.annotation, ...))
    action: Action[Any, Any] = Action("", "", None, model, None, None, "")  # type: ignore[arg-type]
    return action.parse(msgspec.json.decode(f'{{"it":{row.json}}}')).it


def test_the_table_is_read_whole() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text()
    assert len(ROWS) == len(re.findall(r"^\| ", page, re.MULTILINE)) - 2 >= 25


@each_row
async def test_a_value_is_written_as_the_table_says(databases: Databases, row: Row) -> None:
    assert encode(await value_of(databases, row.sql)).decode() == row.json
    assert encode([{"deep": await value_of(databases, row.sql)}]).decode() == f'[{{"deep":{row.json}}}]'


@each_row
async def test_a_value_is_taken_as_the_table_says(databases: Databases, row: Row) -> None:
    if not row.is_taken:
        with pytest.raises(Invalid) as refused:
            taken(row)
        assert refused.value.fields.keys() == {"it"}
        return
    given, stored = taken(row), await value_of(databases, row.sql)
    assert given == (Weekday(stored) if row.annotation is Weekday else stored)
    sent = given.value if isinstance(given, Enum) else given
    kind = await value_of(databases, f"pg_typeof({row.sql})::text")
    assert await value_of(databases, f":given::{kind}", given=sent) == stored, "so it can be stored again"


@pytest.mark.parametrize("text", ["AP8", "A", "\u00e9===", "AP8=\n", "AP 8=", "-_8="])
def test_bytes_are_base64_or_nothing(text: str) -> None:
    row = next(row for row in ROWS if row.annotation is Base64)
    with pytest.raises(Invalid, match="base64"):
        taken(row._replace(json=msgspec.json.encode(text).decode()))


@pytest.mark.parametrize("number", [2**53 + 1, 2**64, -(2**70)])
def test_integers_are_exact_however_large(number: int) -> None:
    assert encode({"it": number}) == f'{{"it":{number}}}'.encode()
    assert msgspec.json.decode(encode(number)) == number


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-inf"])
@pytest.mark.parametrize("kind", [float, Decimal])
def test_no_field_takes_what_is_no_number(text: str, kind: type) -> None:
    with pytest.raises(Invalid):
        taken(Row("", kind, "", f'"{text}"', is_taken=False))


async def test_what_the_table_does_not_know_is_a_mistake(databases: Databases) -> None:
    with pytest.raises(TypeError, match="A Range has no JSON"):
        encode(await value_of(databases, "'[1,5)'::int4range"))
