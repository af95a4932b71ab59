"""What the example can do."""

from datetime import UTC, datetime

from folkmoot.actions import Call, Nothing, action

from . import store
from .schemas import Greeted, User, Visitor


@action(name="")
async def answer(call: Call, given: Nothing) -> bool:
    """Says that the module is there."""
    return True


@action()
async def foo(call: Call, given: Visitor) -> Greeted:
    """Gives back what it was given, and the time."""
    return Greeted(name=given.name, email=given.email, time=datetime.now(UTC))


@action()
async def bar(call: Call, given: Visitor) -> list[User]:
    """Writes the user down, or down again, and gives all users by name."""
    async with call.core.databases["main"].transaction() as tables:
        await store.put(tables, name=given.name, email=given.email)
        return await store.by_name(tables)
