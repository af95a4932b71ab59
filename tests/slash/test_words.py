"""From words to input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.actions import Access, Call, Done, Input, Nothing, Registry, action
from folkmoot.modules import BUILT_IN
from folkmoot.slash.commands import ActionCommand, BadCommand, check_names, commands_of
from folkmoot.slash.said import Said
from folkmoot.slash.words import input_of, read_command, split, usage
from tests.slash.dice import actions as dice


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("/roll 6", ("roll", "6")),
        ("  /Roll  6  7 ", ("roll", "6  7")),
        ("/roll", ("roll", "")),
        ("/note a\nb", ("note", "a\nb")),
        ("/note\nb", ("note", "b")),
        ("//roll", None),
        ("/", None),
        ("/ roll", None),
        ("/etc/passwd", None),
        ("/1", None),
        ("roll", None),
        ("/" + "x" * 33, None),
    ],
)
def test_a_command_is_a_slash_and_a_name(text: str, read: tuple[str, str] | None) -> None:
    assert read_command(text) == read


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('a "b c" d', ["a", "b c", "d"]),
        ("a “b c” d", ["a", "b c", "d"]),
        ('a "b c', ["a", '"b', "c"]),
        ('say "a"b', ["say", '"a"b']),
        ("don't stop", ["don't", "stop"]),
        ('"" x', ["", "x"]),
        ("", []),
    ],
)
def test_quotes_hold_words_together(text: str, words: list[str]) -> None:
    assert split(text) == words


@given(st.text())
def test_no_text_is_too_odd_to_be_split(text: str) -> None:
    words = split(text.strip())
    assert len(words) <= len(text)
    assert "".join(words).replace(" ", "") or not text.strip() or '"' in text or "“" in text


def test_fields_take_words_in_their_order_and_the_last_one_the_rest() -> None:
    assert dice.roll.parse(input_of(dice.Dice, "6 2")) == dice.Dice(sides=6, times=2)
    assert dice.roll.parse(input_of(dice.Dice, "6")) == dice.Dice(sides=6)
    assert input_of(dice.Note, '"to buy" milk  and "bread"') == {"title": "to buy", "text": 'milk  and "bread"'}
    assert input_of(dice.Note, "'a' \"b c\"") == {"title": "'a'", "text": "b c"}
    assert input_of(dice.Words, 'a "b c"') == {"words": ["a", "b c"]}
    assert input_of(dice.Words, "") == {}
    assert input_of(Nothing, "a b") == {"words": "a b"}, "which the schema refuses"


def test_the_usage_comes_from_the_schema() -> None:
    assert usage("roll", dice.Dice) == "/roll SIDES [TIMES]"
    assert usage("note", dice.Note) == "/note TITLE [TEXT]"
    assert usage("long", dice.Words) == "/long [WORDS…]"
    assert usage("shut", dice.Nothing) == "/shut"
    assert ActionCommand(dice.roll).about == "Rolls a die."


class Greeting(Input):
    name: str


@action(command="roll")
async def other(call: Call, given: Greeting) -> Said:
    """Clashes."""
    return Said(body="")


@action(command="done")
async def done(call: Call, given: Greeting) -> Done:
    """Says nothing."""
    return Done()


@action(command="open", access=Access.ANYONE)
async def anyone(call: Call, given: Greeting) -> Said:
    """Asks nobody."""
    return Said(body="")


@action(command="No Name")
async def nameless(call: Call, given: Greeting) -> Said:
    """Cannot be typed."""
    return Said(body="")


def test_a_clash_of_names_names_both() -> None:
    with pytest.raises(BadCommand, match=r"/roll is both the action dice\.roll and the action slash\.other"):
        check_names(commands_of([dice.roll, other]))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (done, r"/done \(slash\.done\) must return Said"),
        (anyone, r"/open \(slash\.anyone\) must take a caller"),
        (nameless, r"/No Name \(slash\.nameless\) must be a small letter"),
    ],
)
def test_what_cannot_be_a_command_is_named_when_it_is_loaded(bad: object, says: str) -> None:
    with pytest.raises(BadCommand, match=says):
        commands_of([bad])  # type: ignore[list-item]


def test_our_own_commands_can_be_loaded() -> None:
    assert {command.name for command in commands_of(Registry(BUILT_IN).actions.values())} >= {"help", "me", "invite"}
