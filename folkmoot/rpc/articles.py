"""The articles' service: a greeting, a list and a stream."""

from collections.abc import AsyncIterator, Callable

from folkmoot.errors import Invalid, Unavailable
from folkmoot.proto.api_pb2 import ApiRequest, Hello, HelloRequest, Item, Items
from folkmoot.proto.api_pb2_grpc import ApiServicer
from folkmoot.rpc.status import Context

NAME = "api.Api"


class Articles(ApiServicer):
    """`most` items in one answer, so that it fits into what clients take (4 MiB) and holds nobody up."""

    def __init__(self, most: int, is_stopping: Callable[[], bool]) -> None:
        self._most = most
        self._is_stopping = is_stopping

    async def sayHello(self, request: HelloRequest, context: Context) -> Hello:  # noqa: N802 - as published
        return Hello(message=f"Hello {request.name}!")

    async def getAll(self, request: ApiRequest, context: Context) -> Items:  # noqa: N802
        if request.length > self._most:
            raise Invalid(fields={"length": [f"Must not be more than {self._most}: getStream has no limit."]})
        return Items(items=[_item(number) for number in range(1, request.length + 1)])

    async def getStream(self, request: ApiRequest, context: Context) -> AsyncIterator[Item]:  # noqa: N802
        for number in range(1, request.length + 1):
            if self._is_stopping():
                raise Unavailable("The server is stopping. Try again in a moment.")
            yield _item(number)


def _item(number: int) -> Item:
    return Item(id=number, name=f"name {number}")
