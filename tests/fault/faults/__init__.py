"""The faults, by what they happen to, and the nemesis, which chooses two of them at a time."""

import random
from collections.abc import Iterator

from tests.fault.fault import Fault
from tests.fault.faults import clients, database, lines, nodes, operators, redis

NODES: tuple[type[Fault], ...] = (nodes.Killed, nodes.Rolled, nodes.Stopped)
DATABASE: tuple[type[Fault], ...] = (
    database.DatabaseKilled,
    database.BackendsKilled,
    database.DatabaseStopped,
    database.DatabaseSlow,
    database.DatabaseReset,
)
REDIS: tuple[type[Fault], ...] = (redis.RedisKilled, redis.RedisStopped, redis.ListenersKilled, redis.RedisCut)
CLIENTS: tuple[type[Fault], ...] = (
    lines.AnswersLost,
    lines.InPieces,
    clients.SlowConsumers,
    clients.Flood,
    clients.Malformed,
    clients.SignInFlood,
)
OPERATORS: tuple[type[Fault], ...] = (operators.FrontKilled, operators.Upgraded)
ALL = (*NODES, *DATABASE, *REDIS, *CLIENTS, *OPERATORS)


def nemesis(seed: int) -> Iterator[tuple[Fault, Fault]]:
    """Number 32 of the matrix: two faults at a time, that happen to two different things; for ever."""
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    faults = [*NODES, *DATABASE, *REDIS]
    while True:
        one, other = chance.sample(faults, 2)
        if one.target == other.target:
            continue
        # A node starts only with its database: so it goes first, and comes back last.
        first, second = sorted((one, other), key=faults.index)
        yield first(), second()
