"""One connection to Redis that speaks and listens at once (RESP3), without a round trip for either.

A Redis client answers each call; on the bus nobody waits for answers, and each word would pay for one (decision 5).
This writes what a loop tick had to say with one `write`, and hands over what comes in straight from the parser.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

import hiredis
from redis.asyncio.connection import parse_url

Heard = Callable[[bytes, bytes], None]  # topic, payload

QUEUE_BYTES = 1 << 22  # what may wait for a Redis that does not read


class Link(asyncio.Protocol):
    """`heard` gets every message of the topics, once `subscribed` is done."""

    def __init__(self, heard: Heard) -> None:
        self.said_something = False  # since the caller last looked
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._heard = heard
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None
        self._fault = "Redis hung up"

    @classmethod
    async def open(cls, url: str, topics: Iterable[str], heard: Heard) -> "Link":
        """Connects and asks for the topics. Raises OSError."""
        parts: dict[str, Any] = dict(parse_url(url))
        loop = asyncio.get_running_loop()
        if path := parts.get("path"):
            _, link = await loop.create_unix_connection(lambda: cls(heard), path)
        else:
            tls = ssl.create_default_context(cafile=parts.get("ssl_ca_certs")) if url.startswith("rediss:") else None
            host, port = parts.get("host", "localhost"), parts.get("port", 6379)
            _, link = await loop.create_connection(lambda: cls(heard), host, port, ssl=tls)
        password = parts.get("password")
        account = ("AUTH", parts.get("username") or "default", password) if password else ()
        database = str(parts.get("db", 0))
        select = [] if database == "0" else [("SELECT", database)]
        link.say([("HELLO", "3", *account), *select, ("SUBSCRIBE", *topics)])
        return link

    def say(self, commands: Iterable[tuple[str | bytes, ...]]) -> None:
        """Sends commands; what Redis answers is not looked at, unless it is an error."""
        if self._transport is not None:
            self._transport.write(b"".join(map(_packed, commands)))

    async def stays_for(self, seconds: float) -> None:
        """Returns after that time. Raises OSError as soon as the connection is gone."""
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            return
        raise OSError(self._fault)

    @property
    def is_full(self) -> bool:
        return self._transport is None or self._transport.get_write_buffer_size() > QUEUE_BYTES

    def close(self) -> None:
        """Sends what waits, then hangs up."""
        if self._transport is not None:
            self._transport.close()

    # -- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if exc is not None:
            self._fault = str(exc)
        self.subscribed.cancel()
        self._closed.set()

    def data_received(self, data: bytes) -> None:
        self.said_something = True
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                if type(answer) is hiredis.PushNotification:
                    self._take(answer)
                elif isinstance(answer, hiredis.ReplyError):
                    self._fail(str(answer))
        except hiredis.ProtocolError as error:
            self._fail(str(error))

    def _take(self, push: list[Any]) -> None:
        if push[0] == b"message":
            self._heard(push[1], push[2])
        elif push[0] == b"subscribe" and not self.subscribed.done():
            self.subscribed.set_result(None)

    def _fail(self, fault: str) -> None:
        self._fault = fault
        if self._transport is not None:
            self._transport.abort()


def _packed(command: tuple[str | bytes, ...]) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # it takes any number of words
    return packed
