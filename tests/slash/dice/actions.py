"""Commands of many kinds."""

from pydantic import Field

from folkmoot.actions import Access, Call, Id, Input, action
from folkmoot.errors import Conflict
from folkmoot.slash.said import Said
from tests.slash.bag import GO, ROLLED


class Dice(Input):
    sides: int
    times: int = 1


class Note(Input):
    room_id: Id
    title: str
    text: str = ""


class Words(Input):
    words: list[str] = Field(default_factory=list)


class Nothing(Input):
    pass


@action(command="roll")
async def roll(call: Call, given: Dice) -> Said:
    """Rolls a die.

    The rest of the docstring is for developers.
    """
    ROLLED.append(given.sides)
    return Said(body=f"{call.caller.name} rolled {given.sides} x {given.times}")


@action(command="note")
async def note(call: Call, given: Note) -> Said:
    """Notes something, for the caller alone."""
    ROLLED.append(given.room_id)
    return Said(body=f"{given.room_id}|{given.title}|{given.text}", only_for_me=True)


@action(command="slow")
async def slow(call: Call, given: Nothing) -> Said:
    """Waits until it may go on."""
    ROLLED.append(0)
    await GO.wait()
    return Said(body="at last")


@action(command="broken")
async def broken(call: Call, given: Nothing) -> Said:
    """Has a fault."""
    ROLLED.append(0)
    raise RuntimeError("a fault")


@action(command="full")
async def full(call: Call, given: Nothing) -> Said:
    """Refuses."""
    ROLLED.append(0)
    raise Conflict("The bag is full.")


@action(command="long")
async def long(call: Call, given: Words) -> Said:
    """Says very much."""
    return Said(body="x" * 50_000)


@action(command="shut", access=Access.ADMIN)
async def shut(call: Call, given: Nothing) -> Said:
    """Only admins."""
    return Said(body="shut")
