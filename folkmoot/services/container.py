"""The container: the services that the operator named, by their names. There are no others."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from folkmoot.errors import UnknownService
from folkmoot.services.file import Described, read_services
from folkmoot.services.service import Service


class Services:
    """`services["flask"].get("/hello/Gonzalo")` gives the body. Close it, or use it with `async with`."""

    def __init__(self, described: Iterable[Described] = ()) -> None:
        described = tuple(described)
        # Reading the certificates of the machine takes longer than everything else: once for all.
        tls = httpx.create_ssl_context() if described else None
        self._services = {one.name: Service(one, tls) for one in described} if tls else {}

    @classmethod
    def of_file(cls, path: Path | None) -> Self:
        """The services of the file; none when there is no path. Raises BadServices."""
        return cls(read_services(path) if path else ())

    def __getitem__(self, name: str) -> Service:
        if name in self._services:
            return self._services[name]
        there = ", ".join(self._services) or "none: FOLKMOOT_SERVICES names no file"
        raise UnknownService(f"There is no service {name[:64]!r}. There are: {there}.")

    def __contains__(self, name: object) -> bool:
        return name in self._services

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services.values())

    def __len__(self) -> int:
        return len(self._services)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends what is on its way, and closes every connection."""
        for service in self:
            await service.close()
