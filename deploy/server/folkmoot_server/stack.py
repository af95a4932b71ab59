"""The stack of one installation, by way of `docker compose`: each release has its own files, all share one project."""

import http
import json
import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from folkmoot_server.errors import Failed
from folkmoot_server.front import answers

TRIES = 5
PAUSE_S = 2.0
READY = "/readyz"
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
        self._run(release, "stop", *self._servers(release))

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
                self._once(release, "api", "migrate")
                return
            except Failed:
                if not left:
                    raise
                time.sleep(PAUSE_S)

    def migrate_back(self, release: str, revision: str) -> None:
        """By the release that knows the way. What only its schema holds is gone then."""
        self._once(release, "api", "migrate", revision, "--yes")

    def back_up(self, release: str, file: str) -> None:
        self._with_backups(release, "backup", f"/kept/{file}")

    def check_backup(self, release: str, file: str) -> None:
        """Reads all of it, as a restore would."""
        self._with_backups(release, "restore", f"/kept/{file}", "--check")

    def restore(self, release: str, file: str) -> None:
        self._with_backups(release, "restore", f"/kept/{file}", "--yes")

    def what_was_said(self, release: str) -> str:
        try:
            return self._run(release, "logs", "--no-color", "--tail=15", *self._servers(release), "nginx")
        except Failed as failed:
            return str(failed)

    def remove_images(self, release: str) -> None:
        """Of a release that nobody needs any more. One that is in use, or gone already, is left alone."""
        env = self._base / "releases" / release / "release.env"
        if env.exists():  # not of one whose removal was broken off
            for image in re.findall(r"^(?:SERVER|FRONT|ACME)_IMAGE=(.+)$", env.read_text(), re.MULTILINE):
                self._call(["docker", "image", "rm", image], {})

    def _servers(self, release: str) -> list[str]:
        """The services that are the program: API and socket, or both as one."""
        there = self._run(release, "config", "--services").split()
        return [service for service in ("api", "ws") if service in there]

    def _with_backups(self, release: str, *words: str) -> None:
        self._once(release, f"--volume={self._base / 'backups'}:/kept", "api", *words)

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
