"""A server that only remembers: the stack is a few values, and each step that `folkmoot-server` asks for changes them.

So the order of the steps can be tried in no time, and broken off before and after each of them.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from folkmoot_server.backups import Backups
from folkmoot_server.errors import Failed
from folkmoot_server.releases import prune
from folkmoot_server.state import State
from folkmoot_server.steward import Steward

HEADS = {"one": "0007", "two": "0007", "three": "0008", "broken": "0008"}


class Killed(BaseException):
    """The power is gone. Nobody catches this."""


@dataclass
class World:
    """What survives: containers, the database, the images."""

    backups: Path
    runs: str = ""  # the release that all but the servers are of
    servers: set[str] = field(default_factory=set)  # the releases whose servers are there
    was_away: bool = False  # there was a moment without a server that is well
    database: bool = False
    revision: str = "base"
    said: list[str] = field(default_factory=list)
    images: set[str] = field(default_factory=lambda: set(HEADS))
    steps: int = 0
    dies_at: float = 0.0  # 3.0: before the third step; 3.5: after it

    @property
    def healthy(self) -> bool:
        return bool(self.servers - {"broken"})

    def step(self) -> None:
        self.steps += 1
        self.was_away = self.was_away or (bool(self.runs) and not self.healthy)
        self._perhaps_die(0.0)

    def stepped(self) -> None:
        self._perhaps_die(0.5)

    def _perhaps_die(self, moment: float) -> None:
        if self.dies_at == self.steps + moment:
            raise Killed


class FakeStack:
    """Does what `Stack` does, to a world. As there, each method is one command that may be the last."""

    def __init__(self, world: World) -> None:
        self._world = world

    def up(self, release: str, *services: str) -> bool:
        self._world.step()
        before = (self._world.runs, self._world.servers.copy(), self._world.database)
        self._world.database = True
        if not services:
            self._world.runs = release
            self._world.servers = self._start(release)
        self._world.stepped()
        if not services and not self._world.healthy:
            raise Failed(f"container api of {release} is unhealthy")
        return before != (self._world.runs, self._world.servers, self._world.database)

    def roll(self, release: str) -> None:
        self._world.step()
        self._world.servers |= self._start(release)
        self._world.stepped()
        if release == "broken" or release not in self._world.servers:
            raise Failed(f"not healthy: api of {release}")
        self._world.step()
        self._world.servers = {release}
        self._world.stepped()

    def dismiss(self, release: str) -> None:
        self._world.step()
        self._world.servers -= {release}
        self._world.stepped()

    def _start(self, release: str) -> set[str]:
        """Its servers, unless they don't know the schema. A server migrates when it starts."""
        if self._world.revision != "base" and self._world.revision > HEADS[release]:
            return set()
        self._world.revision = HEADS[release]
        return {release}

    def check(self) -> None:
        self._world.step()
        if not self._world.healthy:
            raise Failed("nobody answers")

    def stop_servers(self, release: str) -> None:
        self._world.step()
        self._world.servers = set()
        self._world.stepped()

    def revision(self, release: str) -> str:
        self._world.step()
        return self._world.revision

    def migrate(self, release: str) -> None:
        self._world.step()
        self._world.revision = HEADS[release]
        self._world.stepped()

    def migrate_back(self, release: str, revision: str) -> None:
        self._world.step()
        assert HEADS[release] >= self._world.revision, "only the newer release knows the way"
        self._world.revision = revision
        self._world.stepped()

    def back_up(self, release: str, file: str) -> None:
        self._world.step()
        kept = {"revision": self._world.revision, "said": self._world.said}
        (self._world.backups / file).write_text(json.dumps(kept))
        self._world.stepped()

    def check_backup(self, release: str, file: str) -> None:
        self._world.step()
        self._read(file)

    def restore(self, release: str, file: str) -> None:
        self._world.step()
        assert not self._world.healthy, "somebody uses this database"
        kept = self._read(file)
        self._world.said, self._world.revision = kept["said"], kept["revision"]
        self._world.stepped()
        if self._world.revision > HEADS[release]:
            raise Failed("a newer Folkmoot made it")
        self._world.revision = HEADS[release]

    def what_was_said(self, release: str) -> str:
        return f"what the servers of {release} said"

    def remove_images(self, release: str) -> None:
        self._world.images.discard(release)

    def _read(self, file: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self._world.backups / file).read_text()))
        except ValueError:
            raise Failed(f"{file} is no backup") from None


class Town:
    """The server, and whoever looks after it: each call is a new process that knows nothing but what is on the disk."""

    def __init__(self, base: Path) -> None:
        for release in HEADS:
            (base / "releases" / release).mkdir(parents=True)
        (base / "backups").mkdir()
        self.state = State(base)
        self.world = World(self.state.backups)
        self.report: list[str] = []

    def steward(self) -> Steward:
        self.world.steps = 0
        stack = FakeStack(self.world)
        return Steward(self.state, stack, Backups(self.state, stack, keep=2), self.report.append)  # type: ignore[arg-type]

    def switch(self, release: str) -> bool:
        return self.steward().switch(release)

    def prune_releases(self, keep: int) -> None:
        prune(self.state, FakeStack(self.world), keep)  # type: ignore[arg-type]

    def say(self, message: str) -> None:
        self.world.said = [*self.world.said, message]

    def runs(self, release: str) -> bool:
        """Whether that release runs with the schema it knows, and nothing is left under way."""
        world = self.world
        return (
            (world.runs, world.servers, world.revision) == (release, {release}, HEADS[release])
            and self.state.current == release
            and self.state.under_way is None
        )

    @property
    def backups(self) -> set[str]:
        return {file.name for file in self.state.backups.iterdir()}
