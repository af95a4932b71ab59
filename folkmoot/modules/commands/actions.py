"""Slash commands: list them, run one; and those that are always there."""

from functools import partial

from folkmoot.actions import Call, Nothing, Reach, action
from folkmoot.errors import Invalid
from folkmoot.modules.accounts import actions as accounts
from folkmoot.modules.commands.running import Once
from folkmoot.modules.commands.schemas import About, Available, Deed, Invitation, Offered, Ran, TypedCommand
from folkmoot.modules.rooms import actions as rooms
from folkmoot.slash.said import Said
from folkmoot.slash.words import read_command


@action(reach=Reach.ALL)
async def available(call: Call, _: Nothing) -> Available:
    """The slash commands that the caller may type, by name."""
    found = call.core.commands.offered_to(call.caller)
    return Available(commands=[Offered(name=each.name, usage=each.usage, about=each.about) for each in found])


@action(reach=Reach.ROOM)
async def run(call: Call, given: TypedCommand) -> Ran:
    """Runs a slash command in a room of the caller. A repeat of `client_id` gives what came of it the first time.

    A refusal is for the caller alone, and nothing is posted then.
    """
    settings, user_id = call.core.settings, call.caller.user_id
    if len(given.text) > settings.message_chars:
        raise Invalid(fields={"text": [f"Longer than maximum length {settings.message_chars}."]})
    typed = read_command(given.text)
    command = call.core.commands.find(typed[0]) if typed else None
    if typed is None or command is None:
        name = given.text.split()[0][:40] if given.text.split() else "/"
        raise Invalid(f"There is no command {name}. /help lists those that are; // begins a message with a slash.")
    async with call.core.database.connection() as connection:
        await rooms.check_member(connection, user_id, given.room_id)
    await call.core.limiter.spend(f"commands:{user_id}", limit=settings.commands_per_minute, window_s=60)
    once = Once(call, command, typed[1], given.room_id, given.client_id)
    return await call.core.runner.join((user_id, given.room_id, given.client_id), partial(once.run))


@action(reach=Reach.ALL, command="help")
async def describe(call: Call, given: About) -> Said:
    """Lists the commands, or says how one is typed."""
    found = call.core.commands.offered_to(call.caller)
    wanted = given.command.removeprefix("/").lower()
    if wanted:
        found = [each for each in found if each.name == wanted]
    if not found:
        raise Invalid(f"There is no command /{wanted}.")
    return Said(body="\n".join(f"- `{each.usage}` {each.about}" for each in found), only_for_me=True)


@action(reach=Reach.ALL, command="me")
async def me(call: Call, given: Deed) -> Said:
    """Says what you do, as in /me waves."""
    return Said(body=f"*{_plain(call.caller.name)} {_plain(given.what)}*", own_words=True)


@action(reach=Reach.ROOM, command="invite")
async def invite(call: Call, given: Invitation) -> Said:
    """Lets somebody into this room, by name."""
    wanted = given.person.removeprefix("@").strip().casefold()
    everybody = (await accounts.people.perform(call, {})).people
    found = [person for person in everybody if person.name.casefold() == wanted]
    if len(found) != 1:
        several = "Several people are" if found else "Nobody is"
        raise Invalid(f"{several} called {given.person}. The list of members adds people one by one.")
    await rooms.add.perform(call, {"room_id": given.room_id, "user_id": found[0].id})
    return Said(body=f"{found[0].name} is in this room.", only_for_me=True)


def _plain(text: str) -> str:
    """Text that Markdown leaves alone, on one line."""
    return "".join(f"\\{each}" if each in "\\`*_~[]<>" else each for each in " ".join(text.split()))
