"""A receiver of webhooks: a real HTTP server that keeps what it gets, and answers as the test says."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Got:
    headers: dict[str, str]
    body: bytes
    status: int  # what was answered; 0: nothing

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["data"])

    @property
    def seq(self) -> int:
        return int(self.event["seq"])


@dataclass
class Receiver:
    """`script` holds the next answers; an empty one means 200. 0 hangs up, -1 says nothing for ever."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    script: list[int] = field(default_factory=list)
    always: int = 200
    headers: str = ""
    answer: bytes = b"ok"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[Got]:
        return [got for got in self.got if 200 <= got.status < 300]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._one(reader, writer):
                    pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        status = self.script.pop(0) if self.script else self.always
        self.got.append(Got(headers, body, max(status, 0)))
        if status == -1:
            await reader.read()
        if status <= 0:
            return False
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(self.answer)}\r\n{self.headers}\r\n"
        writer.write(head.encode() + self.answer)
        await writer.drain()
        return True


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def is_signed_by(secret: str, got: Got) -> bool:
    """Checks as a receiver does that knows only the text of the Standard Webhooks specification."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_") :])
    assert 24 <= len(key) <= 64
    content = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.{got.body.decode()}"
    expected = base64.b64encode(hmac.new(key, content.encode(), hashlib.sha256).digest()).decode()
    given = [part.split(",", 1) for part in got.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(signature, expected) for version, signature in given)
