"""Requests that no client would send: bytes out, answers in."""

import asyncio
from dataclasses import dataclass

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def exchange(port: int, *pieces: str | bytes) -> list[Answer]:
    """Sends the pieces on one connection, and reads answers until the other side ends it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            for piece in pieces:
                writer.write(piece.encode("latin-1") if isinstance(piece, str) else piece)
                await writer.drain()
            return await _answers(reader)
    except ConnectionError:
        return []
    finally:
        writer.close()


async def _answers(reader: asyncio.StreamReader) -> list[Answer]:
    answers: list[Answer] = []
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return answers
        line, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = tuple((name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in lines))
        answers.append(Answer(int(line.split(" ")[1]), headers, await _body(reader, dict(headers))))


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body
