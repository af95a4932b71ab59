"""Paths never lead elsewhere, whatever somebody typed into a chat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.services import UnsafePath, fill
from folkmoot.services.paths import safe_path

ELSEWHERE = [
    "", "hello", "//evil", "///evil", "http://evil/", "https:evil", "@evil", ":80@evil/", ".evil",
    "/\\evil", "\\evil", "/..", "/../", "/a/..", "/a/../b", "/./a", "/%2e%2e/a", "/%2E%2e", "/.%2e/a", "/%252e%252e/a",
    "/..%2fa", "/a%2f..%2fb", "/a%252fb", "/a%5cb", "/a?b", "/a#b", "/a b", "/a\tb", "/a\r\nHost: evil", "/a\x00b",
    "/a%00b", "/a%", "/a%2", "/a%zz", "/é", "/{a}", '/"', "/<a>", "/a|b", "/^",
]  # fmt: skip

BELOW = ["/", "/hello/Gonzalo", "/hello/Zo%C3%AB", "/a/", "/a//b", "/a@b", "/...", "/a..b", "/a;v=1", "/a:b", "/100%25"]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_what_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        safe_path(path)


@pytest.mark.parametrize("path", BELOW)
def test_what_leads_below_is_taken_as_it_is(path: str) -> None:
    assert safe_path(path) == path


def test_values_become_one_part_of_the_path() -> None:
    assert fill("/hello/{name}", name="Zoë & co") == "/hello/Zo%C3%AB%20%26%20co"
    assert fill("/{a}/{b}/{a}", a="{b}", b="1") == "/%7Bb%7D/1/%7Bb%7D"


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "../admin", "a\\b", "%2e%2e", "%2f", "\x00", "\ud800"])
def test_a_value_that_could_lead_elsewhere_is_refused(value: str) -> None:
    with pytest.raises(UnsafePath):
        fill("/hello/{name}", name=value)


def test_the_refusal_is_a_sentence_for_who_typed_it() -> None:
    with pytest.raises(
        UnsafePath, match=r"cannot be in the path of a service: it must not lead to another folder\."
    ) as it:
        fill("/hello/{name}", name="../admin")
    assert it.value.status == 400


@given(st.text())
def test_whatever_is_typed_stays_one_part(value: str) -> None:
    try:
        path = fill("/hello/{name}", name=value)
    except UnsafePath:
        return
    assert path.isascii()
    assert path.startswith("/hello/")
    assert path.count("/") == 2
