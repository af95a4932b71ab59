"""How the services are that the operator named."""

import asyncio

from folkmoot.actions import Access, Call, Nothing, Reach, action
from folkmoot.modules.services.schemas import SeenService, SeenServices
from folkmoot.services import Service


@action(access=Access.ADMIN, reach=Reach.ALL)
async def health(call: Call, _: Nothing) -> SeenServices:
    """Asks every service whether it is well, all at the same time, in the order of the file."""
    return SeenServices(services=list(await asyncio.gather(*map(_seen, call.core.services))))


async def _seen(service: Service) -> SeenService:
    found = await service.check()
    return SeenService(
        name=service.name,
        address=service.entry.base_uri,
        is_well=found.ok,
        says=found.says,
        seconds=found.seconds,
        breaker=service.breaker,
    )
