"""The standard health service: whether a service should get calls, now or from when that changes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import suppress

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer

from folkmoot.errors import NotFound
from folkmoot.rpc.status import Context
from folkmoot.rpc.streams import Streams

NAME = "grpc.health.v1.Health"
LOOK_S = 1.0  # how often somebody who watches is told of a change; readiness is asked no more often either

Ready = Callable[[], Awaitable[dict[str, bool]]]
"""Which parts that this node needs answer now, by name."""


class Health(HealthServicer):  # type: ignore[misc]  # its stubs do not know the file
    """`named` are the services it knows. Those in `alone` need none of the node's parts."""

    def __init__(self, named: Collection[str], alone: Collection[str], ready: Ready, streams: Streams) -> None:
        self._named = named
        self._alone = alone
        self._ready = ready
        self._streams = streams

    async def Check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:  # noqa: N802
        status = await self._status(request.service)
        if status == HealthCheckResponse.SERVICE_UNKNOWN:
            raise NotFound("There is no such service.")
        return HealthCheckResponse(status=status)

    async def List(self, request: HealthListRequest, context: Context) -> HealthListResponse:  # noqa: N802
        statuses = {name: HealthCheckResponse(status=await self._status(name)) for name in ("", *self._named)}
        return HealthListResponse(statuses=statuses)

    async def Watch(self, request: HealthCheckRequest, context: Context) -> AsyncIterator[HealthCheckResponse]:  # noqa: N802
        last = None
        while True:
            is_last = self._streams.is_stopping
            status = await self._status(request.service)
            if status != last:
                yield HealthCheckResponse(status=status)
            if is_last:
                return
            last = status
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._streams.stopping.wait()

    async def _status(self, service: str) -> HealthCheckResponse.ServingStatus:
        if service and service not in self._named:
            return HealthCheckResponse.SERVICE_UNKNOWN
        if self._streams.is_stopping:
            return HealthCheckResponse.NOT_SERVING
        if service in self._alone or all((await self._ready()).values()):
            return HealthCheckResponse.SERVING
        return HealthCheckResponse.NOT_SERVING
