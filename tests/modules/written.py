"""Modules that tests write."""

from pathlib import Path

ACTIONS = '''
"""What it can do."""

from folkmoot.actions import Call, Input, Nothing, Output, action


class Word(Input):
    word: str


class Said(Output, frozen=True):
    said: str


@action(name="")
async def itself(call: Call, given: Nothing) -> bool:
    """Says that it is there."""
    return True


@action()
async def say(call: Call, given: Word) -> Said:
    """Says the word."""
    return Said(said=given.word)
'''
ROUTES = '''
"""Its addresses."""

from folkmoot.routes import Route

from . import actions

ROUTES = (Route("GET", "/v1.0/{name}/words/{{word}}", actions.say),)
'''


def write_module(folder: Path, **files: str) -> Path:
    """A module in a folder: what it can do, its addresses, and files besides or instead."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {"actions": ACTIONS, "routes": ROUTES.format(name=folder.name)} | files
    for name, text in written.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder
