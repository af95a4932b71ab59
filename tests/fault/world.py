"""What faults happen to: two nodes on one PostgreSQL and one Valkey, with a line before everything."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fault.crowd import Person, enrol, make_room
from tests.fault.load import Load, Size
from tests.fault.nodes import Server
from tests.fault.proxy import Proxy, proxy_to
from tests.fault.stores import Postgres, Valkey, a_postgres, a_valkey
from tests.ports import free_port

# The limits of the product, which those of other tests are not.
LIMITS = {"FOLKMOOT_SOCKET_COMMANDS_PER_S": "200", "FOLKMOOT_SIGN_IN_PER_MINUTE": "20"}

# Heartbeats of the short runs: what takes 45 s with the product's own settings takes 3 s with these.
QUICK = {
    "FOLKMOOT_SOCKET_PING_S": "2",
    "FOLKMOOT_SOCKET_PONG_S": "1",
    "FOLKMOOT_DRAIN_S": "2",
}


@dataclass
class World:
    folder: Path
    postgres: Postgres
    valkey: Valkey
    is_quick: bool = True  # heartbeats of a short run
    nodes: list[Server] = field(default_factory=list)
    doors: list[Proxy] = field(default_factory=list)  # between clients and each node
    postgres_lines: list[Proxy] = field(default_factory=list)  # between each node and PostgreSQL
    redis_lines: list[Proxy] = field(default_factory=list)  # between each node and Valkey

    @property
    def node_ports(self) -> list[int]:
        return [node.port for node in self.nodes]

    @property
    def door_ports(self) -> list[int]:
        return [door.port for door in self.doors]

    async def load(self, size: Size, seed: int, *, ports: Sequence[int] = ()) -> Load:
        """A load that has not begun, in rooms of its own; by these ports alone, if some are given."""
        async with self.postgres.connection() as database:
            people = await enrol(database, size.people)
            rooms = [await make_room(database, members) for members in size.members(people)]
        chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
        nodes, doors = (ports, ports) if ports else (self.node_ports, self.door_ports)
        return Load(size, people, rooms, nodes, doors, chance, is_quick=self.is_quick)

    async def people(self, count: int) -> tuple[list[Person], int]:
        """Further people, in a room of their own."""
        async with self.postgres.connection() as database:
            people = await enrol(database, count)
            return people, await make_room(database, people)

    def complaints(self) -> list[str]:
        return [f"node {number}: {line}" for number, node in enumerate(self.nodes) for line in node.complaints()]


@asynccontextmanager
async def a_world(
    folder: Path,
    *,
    nodes: int = 2,
    is_quick: bool = True,
    settings: Mapping[str, str] | None = None,
    module: Sequence[str] = ("folkmoot",),
) -> AsyncIterator[World]:
    """Everything started. The folder's path must be short enough for a socket."""
    folder.chmod(0o711)  # the account of PostgreSQL must walk through it
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(a_postgres(folder))
        valkey = await stack.enter_async_context(a_valkey(folder))
        world = World(folder, postgres, valkey, is_quick)
        for number in range(nodes):
            own = folder / f"n{number}"
            own.mkdir()
            to_postgres = await stack.enter_async_context(proxy_to(postgres.socket, own / ".s.PGSQL.5432"))
            to_redis = await stack.enter_async_context(proxy_to(valkey.socket, own / "v.sock"))
            server = Server(
                free_port(),
                folder / f"node{number}.log",
                dsn=f"{postgres.dsn.partition('?')[0]}?host={own}",
                redis_url=f"unix://{own}/v.sock?db=0",
                module=module,
                settings={
                    "FOLKMOOT_TASKS": str(own / "tasks"),
                    **LIMITS,
                    **(QUICK if is_quick else {}),
                    **(settings or {}),
                },
            )
            stack.push_async_callback(server.stop)
            world.nodes.append(server)
            world.doors.append(await stack.enter_async_context(proxy_to(server.port)))
            world.postgres_lines.append(to_postgres)
            world.redis_lines.append(to_redis)
        await asyncio.gather(*(node.start() for node in world.nodes))
        yield world
