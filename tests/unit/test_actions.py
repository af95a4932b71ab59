"""Actions: what comes in is checked, and every mistake has a sentence."""

from typing import Annotated
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from folkmoot.actions import DIGITS, MAX_ID, Access, Id, Input, Output, Registry, Seq, Written, messages_by_field
from folkmoot.errors import Error, Invalid, UnknownMethod
from folkmoot.modules import BUILT_IN
from folkmoot.modules.messages import actions as messages
from folkmoot.modules.rooms import actions as rooms

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Numbers(Input):
    id: Id = 1
    seq: Seq = 0
    few: Annotated[int, Field(strict=True, ge=1, le=9), DIGITS] = 1


def numbers(**values: object) -> Numbers:
    return Numbers.model_validate(values)


@pytest.mark.parametrize("value", [1, 7.0, Written("7"), Written(str(MAX_ID)), MAX_ID])
def test_a_number_is_a_json_integer_or_the_digits_of_an_address(value: object) -> None:
    assert numbers(id=value).id == int(value)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "value",
    [
        "7", True, 7.5, None, [], {}, 0, -1, MAX_ID + 1, 10**400, float("inf"), float("nan"), 1e300,
        *map(Written, ("", "07", "\u0667", "+7", " 7", "7 ", "7.0", "1_0", "0x7", "-0", "1e2")),
        *map(Written, (str(MAX_ID + 1), "9" * 5000)),
    ],
)  # fmt: skip
def test_everything_else_is_not(value: object) -> None:
    with pytest.raises(ValueError, match="id"):
        numbers(id=value)


def refusal(action: object, given: object) -> Invalid:
    with pytest.raises(Invalid) as refused:
        action.parse(given)  # type: ignore[attr-defined]
    return refused.value


@pytest.mark.parametrize("given", [None, [], "x", 7, b"{}", True])
def test_the_input_is_an_object(given: object) -> None:
    assert refusal(rooms.create, given).detail == "The input must be a JSON object."


def test_sentences_for_people() -> None:
    assert refusal(rooms.create, {}).fields == {"name": ["Missing data for required field."]}
    assert refusal(rooms.create, {"name": 1}).fields == {"name": ["Not a valid string."]}
    assert refusal(rooms.create, {"name": "x" * 81}).fields == {"name": ["Longer than maximum length 80."]}
    assert refusal(rooms.create, {"name": ""}).fields == {"name": ["Shorter than minimum length 1."]}
    assert refusal(rooms.create, {"name": "x", "mane": "y"}).fields == {"mane": ["Unknown field."]}
    assert refusal(rooms.get, {"room_id": "x"}).fields == {"room_id": ["Not a valid integer."]}
    assert refusal(rooms.get, {"room_id": "x"}).detail == "room_id: Not a valid integer."


@pytest.mark.parametrize("client_id", ["{abc", "{0}", "{", "}", "{client_id}", "%s", "{0.__class__}"])
def test_a_sentence_that_quotes_the_input_is_not_taken_for_a_format(client_id: str) -> None:
    given = {"room_id": 1, "body": "x", "client_id": client_id}
    assert list(refusal(messages.send, given).fields) == ["client_id"]


@settings(max_examples=150, deadline=None)
@given(given=st.dictionaries(st.sampled_from(["room_id", "body", "client_id", "{x}", ""]), JSON))
def test_whatever_comes_in_is_taken_or_refused_and_never_a_fault(given: dict[str, object]) -> None:
    said: dict[str, list[str]] = {}
    try:
        taken = messages.send.parse(given)
    except Invalid as refused:
        said = refused.fields
    if said:
        assert all(sentence for sentences in said.values() for sentence in sentences)
    else:
        assert isinstance(taken.client_id, UUID)


@pytest.mark.parametrize("body", ["a\x00b", "\ud800", "x\udfff"])
def test_text_that_no_database_takes_is_refused(body: str) -> None:
    given = {"room_id": 1, "body": body, "client_id": str(uuid4())}
    assert refusal(messages.send, given).fields == {"body": ["Must not contain NUL or half of a character."]}


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\tb", "\x1b[31m", "a\u2028b", "a\x7fb", "a\x85b", "\ud800"])
def test_names_are_one_line_without_control_characters(name: str) -> None:
    assert list(refusal(rooms.create, {"name": f"x{name}x"}).fields) == ["name"]


@pytest.mark.parametrize("name", ["Garden", "Café ☕", "日本語", "العربية", "👩‍👩‍👧", "a b", "O'Neil; --"])
def test_names_may_be_in_any_language(name: str) -> None:
    assert rooms.create.parse({"name": name}).name == name


def test_the_registry_offers_what_callers_may_name() -> None:
    registry = Registry(BUILT_IN)
    assert registry.find("rooms.create") is rooms.create
    assert len(registry.actions) >= 15
    for hidden in (
        "accounts.sign_in",
        "accounts.sign_in_program",
        "accounts.hello",
        "rooms.find",
        "rooms._append",
        "x",
        "",
    ):
        with pytest.raises(UnknownMethod):
            registry.find(hidden)
    with pytest.raises(UnknownMethod) as refused:
        registry.find("x" * 10_000)
    assert len(refused.value.detail) < 200


def test_every_action_says_what_it_does_and_what_it_gives() -> None:
    for method, action in Registry(BUILT_IN).actions.items():
        assert action.about, method
        assert issubclass(action.takes, Input), method
        assert action.gives.__struct_config__.frozen, method
        assert isinstance(action.access, Access)


def test_no_input_shows_a_password_when_it_is_printed() -> None:
    from folkmoot.modules.accounts.schemas import Credentials, NewAccount, NewPasswordOf

    for shown in (
        Credentials(email="a@b.org", password="canary-canary"),
        NewAccount(email="a@b.org", name="A", password="canary-canary"),
        NewPasswordOf(user_id=1, password="canary-canary"),
    ):
        assert "canary" not in repr(shown) + str(shown)


def test_messages_by_field_names_nested_places() -> None:
    class Many(Input):
        ids: list[Id]

    with pytest.raises(ValueError, match="ids") as refused:
        Many.model_validate({"ids": [1, "x"]})
    assert messages_by_field(refused.value) == {"ids.1": ["Not a valid integer."]}  # type: ignore[arg-type]


def test_errors_say_something_whoever_raises_them() -> None:
    def below(kind: type[Error]) -> list[type[Error]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    for kind in below(Error):
        # Some need to know more than that; all begin with a title, which is what `detail` says when nobody says more.
        assert kind.title[:1].isupper(), kind
        assert kind.title[-1:].isalpha(), kind
        assert 400 <= kind.status < 600
    assert Error().detail == f"{Error.title}."
    assert Output.__struct_config__.frozen
