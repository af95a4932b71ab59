"""Named parameters and quoted names: what the caller gives never becomes part of a statement."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.data.statements import BadStatement, arguments, compiled, quoted, quoted_table


@pytest.mark.parametrize(
    ("sql", "made", "names"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("a = :a", "a = $1", ("a",)),
        ("a = :a AND b = :b OR a = :a", "a = $1 AND b = $2 OR a = $1", ("a", "b")),
        (":a::int", "$1::int", ("a",)),
        ("x::text = :x", "x::text = $1", ("x",)),
        ("':a' = :a", "':a' = $1", ("a",)),
        ("'it''s :a' = :b", "'it''s :a' = $1", ("b",)),
        ('":a" = :b', '":a" = $1', ("b",)),
        ('"a""b:c" = :b', '"a""b:c" = $1', ("b",)),
        (r"E'\':a' = :b", r"E'\':a' = $1", ("b",)),
        (r"e'it''s \\' || :b", r"e'it''s \\' || $1", ("b",)),
        (r"name'\' = :b", r"name'\' = $1", ("b",)),
        ("'12:30'::time < :t", "'12:30'::time < $1", ("t",)),
        ("$$ :a $$ || :b", "$$ :a $$ || $1", ("b",)),
        ("$tag$ $$ :a $tag$ || :b", "$tag$ $$ :a $tag$ || $1", ("b",)),
        ("a -- :a\n= :b", "a -- :a\n= $1", ("b",)),
        ("a /* :a */ = :b", "a /* :a */ = $1", ("b",)),
        ("a /* /* :a */ :c */ = :b", "a /* /* :a */ :c */ = $1", ("b",)),
        ("f(x := :b)", "f(x := $1)", ("b",)),
        ("a[1:2] = :b", "a[1:2] = $1", ("b",)),
        (":_under :A1", "$1 $2", ("_under", "A1")),
        ("'a' :b 'c:d'", "'a' $1 'c:d'", ("b",)),
        ("ends --:a", "ends --:a", ()),
    ],
)
def test_names_become_numbers_and_everything_else_stays(sql: str, made: str, names: tuple[str, ...]) -> None:
    assert compiled(sql) == (made, names)


@pytest.mark.parametrize("sql", ["a = $1", "'open :a", '"open', "/* open", "/* /* */", "a = :a AND b = $2"])
def test_what_cannot_be_told_apart_is_refused(sql: str) -> None:
    with pytest.raises(BadStatement):
        compiled(sql)


PIECES = st.sampled_from(
    [
        "'it''s :x'",
        '":x"',
        "$$:x$$",
        "$q$ ' :x $q$",
        "-- ' :x\n",
        "/* :x /* ' */ */",
        "::int",
        r"E'\' :x'",
        " := ",
        "1:2",
    ]
)


@given(st.lists(st.one_of(PIECES, st.sampled_from([" :a ", " :b ", " + ", "name ", "(", ")"]))))
def test_only_names_outside_of_texts_and_comments_count(pieces: list[str]) -> None:
    sql = " ".join(pieces)
    made, names = compiled(sql)
    assert set(names) == {piece.strip(" :") for piece in pieces if piece in (" :a ", " :b ")}
    back = re.sub(r"\$(\d+)(?= )", lambda found: f":{names[int(found[1]) - 1]}", made)
    assert back == sql


def test_each_name_needs_its_value_and_each_value_its_name() -> None:
    sql, names = compiled("a = :a AND b = :b")
    assert arguments(sql, names, {"b": 2, "a": 1}) == [1, 2]
    with pytest.raises(BadStatement, match="no value for :b"):
        arguments(sql, names, {"a": 1})
    with pytest.raises(BadStatement, match="no :c for its value"):
        arguments(sql, names, {"a": 1, "b": 2, "c": 3})


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("users", '"users"'),
        ("shop.users", '"shop"."users"'),
        ("Users", '"Users"'),
        ('users"; DROP TABLE x; --', '"users""; DROP TABLE x; --"'),
        ("select", '"select"'),
        ("имя", '"имя"'),
    ],
)
def test_tables_are_quoted(name: str, made: str) -> None:
    assert quoted_table(name) == made


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a.b.c", "a\x00b", "x" * 64, "é" * 32])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadStatement):
        quoted_table(name)


def test_a_column_is_one_name_whatever_it_holds() -> None:
    assert quoted("a.b") == '"a.b"'
