"""Who of one channel is on this node, and what others were not told of it yet."""

from redis.asyncio.client import Pipeline

from folkmoot.bus import PREFIX

KEEP_S = 3600  # after that Redis forgets what a dead node said; a living one says it anew before
FIELDS = 500  # of one command


class Roll:
    """Clients of a channel with their users. Kept small: each client is in the roll of each of its rooms."""

    __slots__ = ("came", "clients", "gone", "is_known")

    def __init__(self) -> None:
        self.clients: dict[str, int] = {}
        self.came: dict[str, int] = {}  # since Redis was told
        self.gone: dict[str, int] = {}
        self.is_known = False  # Redis knows all but that

    def enter(self, client: str, user: int) -> None:
        self.clients[client] = user
        if self.gone.pop(client, None) is None:
            self.came[client] = user

    def exit(self, client: str) -> None:
        """What comes and goes before anybody is told has never been here."""
        user = self.clients.pop(client, None)
        if user is not None and self.came.pop(client, None) is None:
            self.gone[client] = user

    @property
    def changes(self) -> int:
        return len(self.came) + len(self.gone) if self.is_known else len(self.clients)

    def write(self, pipeline: Pipeline, node: str, channel: str) -> None:
        """Brings Redis up to date: by what has changed, or by everything if it may have lost some."""
        key, nodes = key_of(node, channel), nodes_key(channel)
        if not self.is_known:
            pipeline.unlink(key)
        _set(pipeline, key, self.came if self.is_known else self.clients)
        if self.is_known and self.gone:
            pipeline.hdel(key, *self.gone)
        if not self.clients:
            pipeline.srem(nodes, node)
        elif not self.is_known:
            pipeline.sadd(nodes, node)
            self.freshen(pipeline, node, channel)
        self.came, self.gone, self.is_known = {}, {}, True

    def freshen(self, pipeline: Pipeline, node: str, channel: str) -> None:
        """Two commands, each of which answers 0 if Redis has lost what we told it."""
        pipeline.expire(key_of(node, channel), KEEP_S)
        pipeline.expire(nodes_key(channel), KEEP_S)


def _set(pipeline: Pipeline, key: str, users: dict[str, int]) -> None:
    clients = list(users)
    for first in range(0, len(clients), FIELDS):
        pipeline.hset(key, mapping={client: users[client] for client in clients[first : first + FIELDS]})


def key_of(node: str, channel: str) -> str:
    """A hash of a node's clients in a channel. Names of nodes have no colon, those of channels may."""
    return f"{PREFIX}presence:{node}:{channel}"


def nodes_key(channel: str) -> str:
    """The set of nodes that have such a hash."""
    return f"{PREFIX}presence-nodes:{channel}"
