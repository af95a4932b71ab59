"""The stack of one installation, by way of `docker compose`: each release has its own files, all share one project."""

import http
import json
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from folkmoot_server.errors import Failed
from folkmoot_server.front import answers
from folkmoot_server.servers import Plan, Server, missing, read_plan, read_servers, scales_beside

TRIES = 5
PAUSE_S = 2.0
READY = "/readyz"
NAMES_KNOWN_AFTER_S = 6.0  # nginx looks up where our servers are every five (RESOLVER_VALID)
REVISION = "SELECT version_num FROM alembic_version"


@dataclass(frozen=True)
class Installation:
    """What the deploy wrote down about this server: `installation.json` in its folder."""

    project: str  # of docker compose
    name: str  # by which people open it: chat.example.org
    tls: Literal["acme", "own", "off"]
    http_port: int  # where the front listens on this machine
    https_port: int
    ready_within_s: int  # a release that is not healthy by then has failed
    keep_backups: int  # of each kind
    keep_releases: int


def read_installation(base: Path) -> Installation:
    file = base / "installation.json"
    if not file.exists():
        raise Failed(f"There is no {file}: the deploy did not get that far on this server. Run it again.")
    return Installation(**json.loads(file.read_text()))


class Stack:
    def __init__(self, base: Path, installation: Installation, held: int) -> None:
        self._base = base
        self._installation = installation
        self._held = held  # the lock, which our children hold with us

    def command(self, release: str) -> Sequence[str]:
        folder = self._base / "releases" / release
        files = [f"--env-file={each}" for each in (self._base / ".env", folder / "release.env")]
        return ["docker", "compose", "--project-name", self._installation.project, *files]

    def up(self, release: str, *services: str) -> bool:
        """Makes the containers what the release says, and waits for their health. Returns whether that changed any."""
        before = self._containers(release)
        wait = ["--detach", "--wait", f"--wait-timeout={self._installation.ready_within_s}"]
        orphans = [] if services else ["--remove-orphans"]
        self._run(release, "up", "--no-build", "--pull=never", *wait, *orphans, *services)
        return self._containers(release) != before

    def roll(self, release: str) -> None:
        """Puts the release's servers beside those that run, and sends these away when the new ones are well.

        Raises Failed when they don't become well. The others go on then, and have never been away.
        """
        plans = {service: self._plan(release, service) for service in self._services(release)}
        there = self._servers(release)
        scales = scales_beside(plans, there)
        if scales:
            beside = ["--detach", "--no-build", "--pull=never", "--no-deps", "--no-recreate"]
            self._run(release, "up", *beside, *(f"--scale={each}={scale}" for each, scale in scales.items()), *scales)
        self._wait_for(release, plans)
        if scales:
            time.sleep(NAMES_KNOWN_AFTER_S)
        self._send_away(each for each in there if each.image != plans[each.service].image)

    def dismiss(self, release: str) -> None:
        """Sends the servers of this release away; those of another go on."""
        images = {self._plan(release, service).image for service in self._services(release)}
        self._send_away(each for each in self._servers(release) if each.image in images)

    def check(self) -> None:
        """Whoever knocks at the front is answered: by a server that has its databases, through nginx."""
        deadline = time.monotonic() + self._installation.ready_within_s
        while not self._is_open():
            if time.monotonic() > deadline:
                raise Failed(f"The front of {self._installation.name} does not answer {READY} with 200.")
            time.sleep(0.5)

    def _is_open(self) -> bool:
        this = self._installation
        if this.tls == "off":
            return answers(this.name, this.http_port, tls=False, path=READY) == http.HTTPStatus.OK
        if answers(this.name, this.https_port, tls=True, path=READY) == http.HTTPStatus.OK:
            return True
        # Before the first certificate, the front serves an authority's challenge alone, and its health was waited for.
        unavailable = http.HTTPStatus.SERVICE_UNAVAILABLE
        return this.tls == "acme" and answers(this.name, this.http_port, tls=False, path=READY) == unavailable

    def stop_servers(self, release: str) -> None:
        """Nobody can write then; the databases go on."""
        self._send_away(self._servers(release))

    def revision(self, release: str) -> str:
        """Of the database's schema. Starts the database when it is stopped."""
        ask = ["exec", "--no-TTY", "db", "sh", "-c", f'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -Atc "{REVISION}"']
        try:
            return self._run(release, *ask)
        except Failed:
            self.up(release, "db")
            return self._run(release, *ask)

    def migrate(self, release: str) -> None:
        """Forward, while people talk: a statement that would keep them waiting gives up and is tried again."""
        for left in reversed(range(TRIES)):
            try:
                self._once(release, self._owner(release), "migrate")
                return
            except Failed:
                if not left:
                    raise
                time.sleep(PAUSE_S)

    def migrate_back(self, release: str, revision: str) -> None:
        """By the release that knows the way. What only its schema holds is gone then."""
        self._once(release, self._owner(release), "migrate", revision, "--yes")

    def back_up(self, release: str, file: str) -> None:
        self._with_backups(release, "api", "backup", f"/kept/{file}")

    def check_backup(self, release: str, file: str) -> None:
        """Reads all of it, as a restore would."""
        self._with_backups(release, "api", "restore", f"/kept/{file}", "--check")

    def restore(self, release: str, file: str) -> None:
        self._with_backups(release, self._owner(release), "restore", f"/kept/{file}", "--yes")

    def what_was_said(self, release: str) -> str:
        try:
            return self._run(release, "logs", "--no-color", "--tail=15", *self._services(release), "nginx")
        except Failed as failed:
            return str(failed)

    def remove_images(self, release: str) -> None:
        """Of a release that nobody needs any more. One that is in use, or gone already, is left alone."""
        env = self._base / "releases" / release / "release.env"
        if env.exists():  # not of one whose removal was broken off
            for image in re.findall(r"^(?:SERVER|FRONT|ACME)_IMAGE=(.+)$", env.read_text(), re.MULTILINE):
                self._call(["docker", "image", "rm", image], {})

    def _services(self, release: str) -> list[str]:
        """The services that are the program: API and socket, or both as one."""
        there = self._all_services(release)
        return [service for service in ("api", "ws") if service in there]

    def _all_services(self, release: str) -> list[str]:
        return self._run(release, "config", "--services").split()

    def _plan(self, release: str, service: str) -> Plan:
        """What a release says about one of its services."""
        return read_plan(self._run(release, "config", "--format=json"), service)

    def _servers(self, release: str) -> list[Server]:
        """Those that run, or try to, of whichever release."""
        return read_servers(self._run(release, "ps", "--all", "--format=json", *self._services(release)))

    def _wait_for(self, release: str, plans: Mapping[str, Plan]) -> None:
        deadline = time.monotonic() + self._installation.ready_within_s
        while late := missing(plans, self._servers(release)):
            if time.monotonic() > deadline:
                raise Failed(f"After {self._installation.ready_within_s} s not healthy: {late}.")
            time.sleep(0.5)

    def _send_away(self, servers: Iterable[Server]) -> None:
        """As SIGTERM asks them to: they answer what they began, and their sockets come back to the others."""
        if names := [each.name for each in servers]:
            for words in (["stop"], ["rm", "--force"]):
                ended = self._call(["docker", *words, *names], {})
                if ended.returncode:
                    raise Failed(f"docker {words[0]} failed: {ended.stderr.strip()}")

    def _owner(self, release: str) -> str:
        """The service that may change the schema. Before there was one for that, every server could."""
        return "migrate" if "migrate" in self._all_services(release) else "api"

    def _with_backups(self, release: str, service: str, *words: str) -> None:
        self._once(release, f"--volume={self._base / 'backups'}:/kept", service, *words)

    def _once(self, release: str, *words: str) -> None:
        self._run(release, "run", "--rm", "--no-deps", "--no-TTY", *words)

    def _containers(self, release: str) -> set[str]:
        return set(self._run(release, "ps", "--quiet", "--status=running").split())

    def _run(self, release: str, *words: str) -> str:
        """What it printed. Raises Failed with the last lines of what it complained about."""
        ended = self._call([*self.command(release), *words], {"COMPOSE_PROGRESS": "plain"}, self._folder(release))
        if ended.returncode:
            lines = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-8:]
            raise Failed("\n  ".join([f"docker compose {words[0]} of {release} failed:", *lines]))
        return ended.stdout.strip()

    def _folder(self, release: str) -> Path:
        folder = self._base / "releases" / release / "source"
        if not folder.is_dir():
            raise Failed(f"There is no release {release} on this server.")
        return folder

    def _call(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - words of ours, and names that were checked
            command,
            cwd=cwd,
            env=os.environ | dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            pass_fds=(self._held,),
        )
