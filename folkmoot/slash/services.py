"""Services of the container as slash commands: what was typed goes into a path, the answer into the room."""

from collections.abc import Iterable
from uuid import UUID

from folkmoot.actions import Call, Caller
from folkmoot.errors import Invalid
from folkmoot.services import Service, UnsafePath, fill
from folkmoot.services.schema import CommandEntry
from folkmoot.slash.commands import Command
from folkmoot.slash.said import Said


class ServiceCommand:
    """A command that the operator has given to a service."""

    def __init__(self, service: Service, name: str, entry: CommandEntry) -> None:
        self.name = name
        self._takes_text = "{text}" in entry.path
        self.usage = f"/{name} TEXT" if self._takes_text else f"/{name}"
        self.about = entry.about or f"Asks the service {service.name}."
        self.origin = f"the service {service.name}"
        self._service = service
        self._path = entry.path

    def is_for(self, caller: Caller) -> bool:
        return True

    async def run(self, call: Call, words: str, room_id: int, client_id: UUID) -> Said:
        if bool(words) is not self._takes_text:
            raise Invalid(f"It takes {'a text' if self._takes_text else 'no text'}. Usage: {self.usage}")
        try:
            path = fill(self._path, text=words, user=call.caller.name)
        except UnsafePath as error:
            raise Invalid(f"The service cannot be asked that: the text {error.says}.") from None
        return Said(body=await self._service.get(path))


def commands_of_services(services: Iterable[Service]) -> list[Command]:
    """The commands of the services, in the order of the operator's file."""
    return [
        ServiceCommand(service, name, entry) for service in services for name, entry in service.entry.commands.items()
    ]
