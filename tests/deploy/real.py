"""A server that is really deployed to: install, upgrade, kill, roll back, restore, under a conversation.

    python -m tests.deploy.real [FOLDER]

It needs root, a Docker engine, and some minutes; it prints what it saw, and ends with 1 at the first thing that is not
as it should be. The server is this machine: a folder, a compose project and ports of its own, and no firewall.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.deploy.conversation import Conversation, conversing
from tests.deploy.proof import ADMIN, Proof, recap, secrets_of

PORT = 19080
PROJECT = "deployproof"
READY_S = 90
AWAY_S = 15.0  # nginx is made anew, and a sender waits five seconds before another try
UNNOTICED_S = 3.0

MIGRATION = '''"""A table that only the proof has."""
from alembic import op

revision, down_revision, branch_labels, depends_on = "{this}", "{last}", None, None


def upgrade() -> None:
    op.execute("CREATE TABLE proof_{this} (id bigint)")


def downgrade() -> None:
    op.execute("DROP TABLE proof_{this}")
'''


class OnThisMachine(Proof):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, f"http://localhost:{PORT}")
        self.base = folder / "folkmoot"

    # -- three versions of the product

    def prepare(self) -> None:
        self.check_out()
        for name in ("bin", "units"):
            (self.folder / name).mkdir()
        given = {
            "ansible_connection": "local", "folkmoot_url": self.url, "folkmoot_admin_email": ADMIN,
            "folkmoot_http_port": PORT, "folkmoot_base": str(self.base), "folkmoot_project": PROJECT,
            "folkmoot_bin": str(self.folder / "bin"), "folkmoot_units": str(self.folder / "units"),
            "folkmoot_network": "10.213.78", "folkmoot_api_replicas": 1, "folkmoot_ws_replicas": 1,
            "folkmoot_firewall": False, "folkmoot_ready_within_s": READY_S, "folkmoot_keep_releases": 1,
            "folkmoot_tls": "off",
        }  # fmt: skip
        (self.folder / "server.yml").write_text(json.dumps({"servers": {"hosts": {"here": given}}}))

    def commit(self, words: str) -> None:
        who = ["-c", "user.name=Proof", "-c", "user.email=proof@example.org"]
        subprocess.run(["git", "add", "-A"], cwd=self.tree, check=True)
        subprocess.run(["git", *who, "commit", "-q", "-m", words], cwd=self.tree, check=True)

    def another_table(self) -> str:
        versions = self.tree / "folkmoot" / "migrations" / "versions"
        last = max(file.name[:4] for file in versions.glob("[0-9]*.py"))
        this = f"{int(last) + 1:04}"
        (versions / f"{this}_proof.py").write_text(MIGRATION.format(this=this, last=last))
        return this

    # -- deploying

    async def is_killed(self, where: str, when: Callable[[], bool]) -> None:
        status, text = await self.play("deploy", kill_when=when)
        if status != -signal.SIGKILL:
            print(text[-4000:])
        self.expect(status == -signal.SIGKILL, f"killed with kill -9 {where}")

    @property
    def runs(self) -> str:
        return (self.base / "current").readlink().name

    @property
    def history(self) -> str:
        return (self.base / "history.log").read_text()

    def containers(self) -> str:
        wanted = ["--filter", f"label=com.docker.compose.project={PROJECT}", "--format", "{{.Image}} {{.Names}}"]
        return subprocess.run(["docker", "ps", *wanted], capture_output=True, text=True, check=True).stdout

    def server(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.folder / "bin" / "folkmoot-server"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def revision(self) -> str:
        ask = 'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -Atc "SELECT version_num FROM alembic_version"'
        return self.server("compose", "exec", "-T", "db", "sh", "-c", ask).stdout.strip()

    def secrets(self) -> Mapping[str, str]:
        return secrets_of((self.base / ".env").read_text())

    # -- talking

    async def the_admin(self) -> str:
        return await self.sign_in(self.secrets()["API_ADMIN_PASSWORD"])

    async def nothing_is_lost(self, talk: Conversation) -> None:
        kept = await talk.kept()
        said = len(talk.acknowledged)
        self.expect(kept == talk.acknowledged, f"all {said} acknowledged messages are there, once and in order")

    # -- what is proven, in this order

    async def everything(self) -> None:
        self.prepare()
        await self.install()
        token = await self.the_admin()
        talk = Conversation(self.url, token, await self.room(token))
        async with conversing(talk):
            await self.upgrade_and_be_killed(talk)
            await self.a_broken_release(talk)
        self.expect(
            talk.heard == talk.acknowledged,
            f"the listener heard {len(talk.heard)} of {len(talk.acknowledged)} once and in order, "
            f"over {talk.reconnects} reconnects",
        )
        await self.nothing_is_lost(talk)
        await self.back(talk)
        await self.restore(talk)
        await self.at_the_end()

    async def install(self) -> None:
        await self.deploy("--check")
        self.expect(not self.base.exists(), "--check says what it would do, and does nothing")
        await self.deploy()
        self.first = self.runs
        secrets = (self.base / ".env").read_text()
        self.expect((self.base / ".env").stat().st_mode & 0o777 == 0o600, ".env is for root alone")
        again = await self.deploy()
        self.expect("changed=0" in recap(again), "again: nothing changes")
        self.expect((self.base / ".env").read_text() == secrets, ".env is as it was")

    async def upgrade_and_be_killed(self, talk: Conversation) -> None:
        self.revision_before = self.revision()
        self.revision_after = self.another_table()
        self.commit("Another table")
        database = self.server("compose", "ps", "-q", "db").stdout
        lines = len(self.history.splitlines())

        def new() -> str:
            return "\n".join(self.history.splitlines()[lines:])

        await self.is_killed("while images are built", lambda: "Build those" in (self.folder / "said").read_text())
        self.expect(self.runs == self.first, "the first release runs")
        await self.is_killed("while the backup is made", lambda: "backing up" in new())
        await self.is_killed("before the schema is changed", (self.base / "under-way.json").exists)
        await self.is_killed("when the schema is changed", lambda: self.revision() == self.revision_after)
        self.expect(self.runs == self.first, "the first release is still the one to go back to")
        await self.deploy()
        self.second = self.runs
        self.expect(self.second != self.first and self.revision() == self.revision_after, f"{self.second} runs")
        self.expect(self.server("compose", "ps", "-q", "db").stdout == database, "the database went on meanwhile")
        self.expect(
            talk.longest_gap_s < AWAY_S,
            f"of {len(talk.acknowledged)} messages so far one waited {talk.longest_gap_s:.1f} s, the others less",
        )

    async def a_broken_release(self, talk: Conversation) -> None:
        self.another_table()
        (self.tree / "deploy" / "docker" / "healthy.py").write_text(
            "#!/opt/folkmoot/bin/python -IS\nraise SystemExit(1)\n"
        )
        self.commit("Never healthy")
        talk.longest_gap_s, reconnects = 0.0, talk.reconnects
        began = time.monotonic()
        status, text = await self.play("deploy")
        self.expect(status != 0 and "did not become healthy" in text, "a release that is never healthy fails")
        self.expect(f"{self.second} runs again" in text, f"and is taken back, after {time.monotonic() - began:.0f} s")
        self.expect(self.runs == self.second and self.revision() == self.revision_after, "with its table")
        said = len(talk.acknowledged)
        await asyncio.sleep(3)
        self.expect(
            len(talk.acknowledged) > said and talk.longest_gap_s < UNNOTICED_S and talk.reconnects == reconnects,
            f"and nobody noticed: a message waited {talk.longest_gap_s:.1f} s at most, no socket was closed",
        )
        subprocess.run(["git", "reset", "-q", "--hard", "HEAD~1"], cwd=self.tree, check=True)

    async def back(self, talk: Conversation) -> None:
        status, text = await self.play("rollback")
        self.expect(status != 0 and "DATA=keep" in text, "going back over a change of the schema asks first")
        self.expect(self.runs == self.second, "and does nothing until it is told")
        began = time.monotonic()
        status, text = await self.play("rollback", "-e", "folkmoot_data=keep")
        self.expect(status == 0 and self.runs == self.first, f"went back in {time.monotonic() - began:.0f} s")
        self.expect(self.revision() == self.revision_before, "the schema too")
        await self.nothing_is_lost(talk)

    async def restore(self, talk: Conversation) -> None:
        backup = next(line for line in self.server("status").stdout.splitlines() if "before-" in line).split()[1]
        status, text = await self.play("restore", "-e", f"folkmoot_backup={backup}")
        print(text[-1500:]) if status else None
        self.expect(status == 0, f"restored {backup}")
        async with self.http(talk.token) as http:
            answer = await http.get("/api/v1.0/rooms")
        self.expect(answer.status_code == 401, "whoever was signed in signs in again")
        talk.token = await self.the_admin()
        kept = await talk.kept()
        self.expect(
            kept == talk.acknowledged[: len(kept)] and 0 < len(kept) < len(talk.acknowledged),
            f"{len(kept)} of {len(talk.acknowledged)} messages are there: those of the backup",
        )
        wire = await talk.open()
        sub = (await wire.connect(talk.token, subs={talk.channel: {"recover": True, **talk.position}}))["subs"]
        there = sub[talk.channel]
        self.expect(
            not there["recovered"] and there["epoch"] != talk.position["epoch"] and not there.get("publications"),
            f"a page that was at {talk.position['offset']} is told to load anew: another epoch, nothing recovered",
        )
        await wire.leave()

    async def at_the_end(self) -> None:
        made = self.server("backup")
        self.expect(made.returncode == 0, made.stdout.strip().splitlines()[-1])
        said = self.log.read_text() + self.history + made.stdout
        self.expect(
            not any(secret in said for secret in self.secrets().values()), "no secret is in anything that was printed"
        )
        self.tell("history:\n" + "".join(f"          {line}\n" for line in self.history.splitlines()))

    def clean(self) -> None:
        with suppress(OSError):
            self.server("compose", "down", "--volumes", "--timeout", "5")
        named = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
        releases = {folder.name for folder in (self.base / "releases").glob("*")}
        for image in subprocess.run(named, capture_output=True, text=True, check=True).stdout.split():
            if image.partition(":")[2] in releases and image.startswith("folkmoot-"):
                subprocess.run(["docker", "image", "rm", image], capture_output=True, check=False)
        shutil.rmtree(self.folder)


def main(words: Sequence[str]) -> int:
    if os.getuid() or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        print("Skipped: this needs root, and a Docker engine with Compose that answers.")
        return 0
    folder = Path(words[0]) if words else Path(tempfile.mkdtemp(prefix="folkmoot-"))
    folder.mkdir(parents=True, exist_ok=True)
    proof = OnThisMachine(folder)
    try:
        asyncio.run(proof.everything())
    finally:
        proof.clean()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
