"""Posts to receivers: bounded in time and size, to checked addresses, and never where an answer points to."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx

from folkmoot import __version__
from folkmoot.modules.webhooks.reach import Unreachable, find

LONGEST_ANSWER = 16_384  # bytes that are read of what a receiver says, so that its connection can be used again
TRIED_ADDRESSES = 3


class NotDelivered(Exception):
    """The receiver did not take it. The message is for the operator."""


class Gone(Exception):
    """The receiver wants nothing any more (410)."""


class Sender:
    """A line to one receiver: `async with Sender(url, …) as sender`."""

    def __init__(self, url: str, *, networks: Sequence[str], within_s: float) -> None:
        self._url = httpcore.URL(url)
        self._within_s = within_s
        encrypted = self._url.scheme == b"https"
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls() if encrypted else None,
            max_connections=1,
            network_backend=_Checked(networks, encrypted=encrypted),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    async def post(self, headers: Mapping[str, str], body: bytes) -> None:
        """Delivers one body. Raises NotDelivered or Gone."""
        try:
            async with asyncio.timeout(self._within_s):
                status = await self._post(headers, body)
        except TimeoutError:
            raise NotDelivered(f"No answer within {self._within_s:g} seconds.") from None
        except Unreachable as error:
            raise NotDelivered(str(error)) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise NotDelivered(f"Cannot be reached: {error or type(error).__name__}"[:500]) from None
        if status == 410:
            raise Gone
        if not 200 <= status < 300:
            raise NotDelivered(f"The answer was {status}.")

    async def _post(self, headers: Mapping[str, str], body: bytes) -> int:
        sent = {
            "Host": _host(self._url),
            "User-Agent": f"Folkmoot/{__version__}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }
        async with self._pool.stream("POST", self._url, headers=list(sent.items()), content=body) as answer:
            with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):  # its status says it all
                await self._read_on(answer)
            return int(answer.status)

    async def _read_on(self, answer: httpcore.Response) -> None:
        read = 0
        async with asyncio.timeout(self._within_s / 2):
            async for part in answer.aiter_stream():
                read += len(part)
                if read > LONGEST_ANSWER:
                    return


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that may be reached, and to no others."""

    def __init__(self, networks: Sequence[str], *, encrypted: bool) -> None:
        self._networks = networks
        self._encrypted = encrypted
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await find(host, port, self._networks, encrypted=self._encrypted)
        tried = addresses[:TRIED_ADDRESSES]
        for address in tried[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
        return await self._backend.connect_tcp(tried[-1], port, timeout, local_address, socket_options)


def _host(url: httpcore.URL) -> str:
    """The host as the receiver expects it: with a port that is not the usual one."""
    host = url.host.decode()
    usual = {b"https": 443, b"http": 80}[url.scheme]
    return host if url.port in (None, usual) else f"{host}:{url.port}"


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The usual authorities, or those that SSL_CERT_FILE names. Made once: it takes long."""
    return httpx.create_ssl_context()
