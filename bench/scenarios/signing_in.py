"""Signing in under load: as fast as the cores can hash, and nobody else notices."""

import asyncio
import json
import time

from bench.processes import SERVER_CORE
from bench.results import Row, at_least, at_most
from bench.stack import PASSWORD, People, Server, Stack
from folkmoot.modules.accounts.passwords import HASHER

AT_ONCE, PROBES_PER_S = 8, 40
MORE_MS = 20.0


class Http:
    """One kept-alive connection: asking this way costs the load's core little."""

    def __init__(self, server: Server) -> None:
        self._port = server.port

    async def __aenter__(self) -> "Http":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> int:
        """Sends a request, reads the whole answer, and returns its status."""
        head = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}", *headers, "", ""]
        self._writer.write("\r\n".join(head).encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        await self._reader.readexactly(length)
        return int(answer.split(maxsplit=2)[1])


async def run(stack: Stack) -> list[Row]:
    people = await stack.people(AT_ONCE)
    # Somebody else: a member has so many sessions at most, and who signs in again and again loses the oldest.
    (asking,) = (await stack.people(1)).tokens
    seconds = stack.seconds * 2
    async with stack.folkmoot(core=SERVER_CORE) as server:
        quiet_ms = await _probe(server, asking, seconds)
        probing = asyncio.create_task(_probe(server, asking, seconds))
        rate = await _sign_in_together(server, people, seconds)
        busy_ms = await probing
    hash_s = await _hash_s(people, stack)
    return [
        at_least("sign-ins/s on one core", rate, "/s", 1 / hash_s, "cores ÷ hash time", 0.9),
        at_most("p99 of other requests, more while people sign in", max(0.0, busy_ms - quiet_ms), "ms", MORE_MS),
    ]


async def _sign_in_together(server: Server, people: People, seconds: float) -> float:
    """Sign-ins a second of a few people who do it again and again."""
    until, done = time.perf_counter() + seconds, 0

    async def again_and_again(email: str) -> None:
        nonlocal done
        given = json.dumps({"email": email, "password": PASSWORD}).encode()
        headers = ("Content-Type: application/json", "X-Requested-With: folkmoot")
        async with Http(server) as http:
            while time.perf_counter() < until:
                status = await http.ask("POST", "/api/v1.0/session", *headers, body=given)
                if status != 200:
                    raise RuntimeError(f"sign-in answered {status}")
                done += 1

    started = time.perf_counter()
    await asyncio.gather(*(again_and_again(email) for email in people.emails))
    return done / (time.perf_counter() - started)


async def _probe(server: Server, token: str, seconds: float) -> float:
    """The p99 in milliseconds of a request that has nothing to do with signing in."""
    taken, until = [], time.perf_counter() + seconds
    async with Http(server) as http:
        while (started := time.perf_counter()) < until:
            status = await http.ask("GET", "/api/v1.0/rooms", f"Authorization: Bearer {token}")
            if status != 200:
                raise RuntimeError(f"the probe was answered {status}")
            taken.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(1 / PROBES_PER_S)
    return sorted(taken)[int(len(taken) * 0.99)]


async def _hash_s(people: People, stack: Stack) -> float:
    """How long one hash takes on a core that does nothing else."""
    stored, tries = HASHER.hash(PASSWORD), 10 if stack.quick else 40
    started = time.perf_counter()
    for _ in range(tries):
        HASHER.verify(stored, PASSWORD)
    return (time.perf_counter() - started) / tries
