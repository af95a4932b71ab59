"""What every scenario stands on: databases, the server on its core, the load generator on the other, people."""

import hashlib
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench.build import HERE, OUT
from bench.processes import LOAD_CORE, SERVER_CORE, Failed, Program, program
from folkmoot.laptop import Servers
from folkmoot.modules.accounts.passwords import HASHER
from folkmoot.testing.generous import environment

PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who exist for one run

# One machine plays thousands of people, and one of them may have thousands of sockets.
OWN = {
    **environment(),
    "API_MODE": "dev",
    "FOLKMOOT_SOCKETS_PER_USER": "100000",
    "FOLKMOOT_SOCKETS_WAITING": "100000",
    "FOLKMOOT_SERVE_SITE": "false",
    "FOLKMOOT_DRAIN_S": "0.2",
    "FOLKMOOT_PORT": "0",
}


@dataclass
class Server:
    """A server on its core; `speak` and `path` are what the load generator needs to talk to it."""

    program: Program
    port: int
    speak: str = "folkmoot"
    path: str = "/connection/websocket"


@dataclass
class People:
    """Accounts with a session each, made in the database at once."""

    ids: list[int]
    emails: list[str]
    tokens: list[str]


@dataclass
class Stack:
    servers: Servers
    work: Path  # for what lasts one run
    results: Path
    name: str  # of the files of this run
    quick: bool = False
    count: int = field(default=0)

    @property
    def seconds(self) -> float:
        return 1.0 if self.quick else 3.0

    @property
    def runs(self) -> int:
        return 1 if self.quick else 3

    def note(self, line: str) -> None:
        """Progress, for who waits."""
        print(f"    {line}", file=sys.stderr, flush=True)

    def errors(self, name: str) -> Path:
        self.count += 1
        return self.work / f"{self.count:03}-{name}.err"

    @asynccontextmanager
    async def folkmoot(self, *options: str, core: int | None = SERVER_CORE, **settings: str) -> AsyncIterator[Server]:
        env = os.environ | OWN | {"DATABASE_URL": self.servers.dsn, "REDIS_URL": self.servers.redis_url} | settings
        command = [sys.executable, "-m", "bench.serve", *options]
        async with program(command, core=core, errors=self.errors("serve"), env=env, cwd=HERE.parent) as started:
            yield Server(started, int((await started.hear())["port"]))

    @asynccontextmanager
    async def limit(self, kind: str) -> AsyncIterator[Server]:
        async with program([OUT / "limit", kind], core=SERVER_CORE, errors=self.errors(kind)) as started:
            yield Server(started, int((await started.hear())["port"]), "plain", "/")

    @asynccontextmanager
    async def load(self, server: Server, **options: object) -> AsyncIterator[Program]:
        """The load generator; `seconds=3` is its option `--seconds 3`, and True is an option without a value."""
        given: dict[str, object] = {"port": server.port, "speak": server.speak, "path": server.path}
        given |= {"watch": server.program.pid} | options
        words = [f"--{name}" if value is True else f"--{name}={value}" for name, value in given.items()]
        async with program([OUT / "load", *words], core=LOAD_CORE, errors=self.errors("load")) as started:
            yield started

    async def fan_out(self, server: Server, **options: object) -> dict[str, Any]:
        """One run; refuses a result in which anything was lost, repeated or out of order."""
        async with self.load(server, **{"warm": 0.7, "seconds": self.seconds} | options) as load:
            result = await load.hear()
            wrong = {name: result[name] for name in WRONG if result[name]}
            if wrong:
                raise Failed(f"not a result: {wrong} {load.last_words()} {server.program.last_words()}")
        return result

    def who(self, entries: Sequence[tuple[str, str]]) -> Path:
        """A file that tells the load generator each connection's token and channel."""
        self.count += 1
        path = self.work / f"{self.count:03}-who.txt"
        path.write_text("".join(f"{token} {channel}\n" for token, channel in entries))
        return path

    @asynccontextmanager
    async def database(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        connection = await asyncpg.connect(self.servers.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    async def people(self, count: int) -> People:
        emails = [f"{secrets.token_hex(8)}@bench.test" for _ in range(count)]
        tokens = [secrets.token_urlsafe(32) for _ in range(count)]
        hashed = HASHER.hash(PASSWORD)  # one for all: only signing in ever looks at it
        async with self.database() as connection:
            rows = await connection.fetch(
                """
                INSERT INTO users (email, password, name)
                SELECT email, $2, 'Bench' FROM unnest($1::text[]) AS given (email)
                RETURNING id
                """,
                emails,
                hashed,
            )
            ids = [row["id"] for row in rows]
            await connection.execute(
                """
                INSERT INTO sessions (user_id, token_hash, kind, address, user_agent, expires_at, idle_s)
                SELECT user_id, token_hash, 'program', '127.0.0.1', 'bench', now() + interval '1 day', 86400
                  FROM unnest($1::bigint[], $2::bytea[]) AS given (user_id, token_hash)
                """,
                ids,
                [hashlib.sha256(token.encode()).digest() for token in tokens],
            )
        return People(ids, emails, tokens)

    async def rooms(self, count: int) -> list[int]:
        async with self.database() as connection:
            rows = await connection.fetch(
                """
                INSERT INTO rooms (name, visibility)
                SELECT 'Bench', 'private' FROM generate_series(1, $1)
                RETURNING id
                """,
                count,
            )
        return [row["id"] for row in rows]

    async def admit(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Lets people into rooms: (room, user)."""
        async with self.database() as connection:
            await connection.copy_records_to_table("members", records=pairs, columns=["room_id", "user_id"])
            await connection.execute("ANALYZE")


WRONG = ("unfinished", "lost", "twice", "disordered", "errors", "closed")
